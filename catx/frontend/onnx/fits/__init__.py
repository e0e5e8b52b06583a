from catx.frontend.onnx.fits.table import check_fits

__all__ = ["check_fits"]
