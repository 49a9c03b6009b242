"""Training and prediction; the only place that knows skorch."""
