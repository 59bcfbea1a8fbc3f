from gsnr_ref import companion  # noqa: F401 (checks that toy_models is ours)
