"""Every setting, its documentation, logging."""
