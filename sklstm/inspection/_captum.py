"""captum, where it is installed."""


def import_captum(name: str):
    """Return captum's methods of attribution.

    Parameters
    ----------
    name : str
        What asks for it, for the message where it is missing.

    Returns
    -------
    attr : module
        `captum.attr`.
    """
    try:
        import captum.attr
    except ImportError as error:
        raise ImportError(
            f"{name} computes with captum, which is not installed: "
            "pip install sklstm[attributions] installs it."
        ) from error
    return captum.attr
