"""Read by gunicorn by itself, wherever it is started in this folder."""

logger_class = "parking_share.access_log.AccessLog"
