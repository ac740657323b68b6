"""All settings, from the environment (`.env.example` documents every variable); a wrong one stops the start."""

import base64
import binascii
from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.dateparse import parse_datetime
from environ import Env

from parking_share import kept
from parking_share.base_maps import base_map_of, embedding_origins
from parking_share.hidden import hide_in_line
from parking_share.schedule import timetable

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()


def _required(name: str) -> str:
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment; .env.example says what belongs there.")
    return value


def _plate_key() -> bytes:
    try:
        key = base64.b64decode(_required("PLATE_KEY"), validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured("PLATE_KEY must be base64 text; `openssl rand -base64 32` makes one.") from error
    if len(key) != 32:
        raise ImproperlyConfigured(f"PLATE_KEY must be 32 bytes, got {len(key)}; `openssl rand -base64 32` makes one.")
    return key


# What this installation is
DEPLOYMENT = env.str("DEPLOYMENT", default="production")
if DEPLOYMENT not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"DEPLOYMENT must be demo, test or production, not “{DEPLOYMENT}”.")
IS_PRODUCTION = DEPLOYMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
if DEBUG and IS_PRODUCTION:
    raise ImproperlyConfigured("DEBUG shows secrets to strangers; switch it off, or set DEPLOYMENT=demo.")
SECRET_KEY = _required("SECRET_KEY")
if IS_PRODUCTION and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters.")
PLATE_KEY = _plate_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
if IS_PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Set ALLOWED_HOSTS to the names under which the site is reached.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CLOCK_SPEED = env.float("CLOCK_SPEED", default=1.0)
CLOCK_STARTED_AT = parse_datetime(env.str("CLOCK_STARTED_AT", default="")) or None
if CLOCK_SPEED != 1 and (CLOCK_STARTED_AT is None or CLOCK_STARTED_AT.tzinfo is None):
    raise ImproperlyConfigured("CLOCK_SPEED needs CLOCK_STARTED_AT, an ISO instant with its offset.")

ROOT_URLCONF = "parking_share.urls"
WSGI_APPLICATION = "parking_share.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_NAME = "Parking Share"

INSTALLED_APPS = [
    "parking_share.accounts",
    "parking_share.spaces",
    "parking_share.reservations",
    "parking_share.notices",
    "sensors",
    "surveys",
    "allocation",
    "coverage",
    "parking_share.fulfilment",
    "parking_share.api",
    "parking_share.demo",
    "parking_share.web",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "parking_share.web.context.site",
            ]
        },
    }
]

# PostgreSQL: connections live on, and nobody waits for ever
DATABASES = {"default": env.db_url_config(_required("DATABASE_URL"))}
if "postgresql" not in DATABASES["default"]["ENGINE"]:
    raise ImproperlyConfigured(
        "DATABASE_URL must begin with postgres://; the platform's guarantees live in PostgreSQL."
    )
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=600),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "connect_timeout": 2,  # a gate waits three seconds at most
        "options": "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000",
    },
}

# What is forgotten, and when
RAW_MESSAGES_KEPT, UNMATCHED_PLATES_KEPT = kept.RAW_MESSAGES, kept.UNMATCHED_PLATES
MATCHED_PLATES_KEPT, KNOWN_KEYS_KEPT = kept.MATCHED_PLATES, kept.KNOWN_KEYS
READINGS_KEPT_MONTHS = kept.READINGS_MONTHS

# Redis rings bells; it holds no facts
REDIS_URL = _required("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_connect_timeout": 0.5,
    "socket_timeout": 5,
    "max_retries": 0,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "allocation.decide": {"queue": "decide"},
    "allocation.decide_area": {"queue": "decide"},
    "allocation.assign": {"queue": "decide"},
    "allocation.work_on_lab_run": {"queue": "coverage"},  # minutes of computing, for which nobody waits at a gate
    "fulfilment.*": {"queue": "fulfilment"},
    "sensors.*": {"queue": "sensors"},
    "coverage.*": {"queue": "coverage"},
}
CELERY_BEAT_SCHEDULE = timetable(clock_speed=CLOCK_SPEED)

# Limits of log-in attempts live in the database: they survive a flushed Redis
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "process"},
}

# Who is it
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if DEPLOYMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a test's sites and clients: quick, no secret
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "parking_share.web.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "parking_share.web.account_forms.LoginForm",
    "signup": "parking_share.web.account_forms.SignupForm",
}
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True

# REST
WEB_THREADS = env.int("WEB_THREADS", default=4)
if WEB_THREADS < 1:
    raise ImproperlyConfigured(f"WEB_THREADS, the threads of one web process, must be at least 1, not {WEB_THREADS}.")
API_WAITERS = WEB_THREADS // 2  # of one process's threads, how many may wait for a decision
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "parking_share.api.schema.Schema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "parking_share.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["parking_share.api.parsing.StrictJSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "parking_share.api.pages.Pages",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "parking_share.api.problems.problem_response",
    "DEFAULT_THROTTLE_RATES": {
        "search": None if DEPLOYMENT == "test" else "120/min",
        "tokens": None if DEPLOYMENT == "test" else "10/min",
    },
    "NUM_PROXIES": 1 if env.bool("BEHIND_PROXY", default=False) else 0,  # else a caller may write its own address
    "URL_FORMAT_OVERRIDE": None,
}

# Languages and times
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="zh-hans")
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"LANGUAGE_CODE must be one of {', '.join(dict(LANGUAGES))}, not “{LANGUAGE_CODE}”.")
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

# Static files: our own, and the front-end packages that npm installed
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
NODE_MODULES = BASE_DIR / "node_modules"
FRONTEND_FILES = {
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "vendor/pico.min.css": "@picocss/pico/css/pico.min.css",
    "vendor/maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "vendor/maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "vendor/maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "vendor/pmtiles.js": "pmtiles/dist/pmtiles.js",
    "vendor/pmtiles.js.map": "pmtiles/dist/pmtiles.js.map",
}
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "parking_share.web.frontend.FrontendFinder",
]
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "parking_share.web.uploads.NamelessTemporaryFileUploadHandler",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEPLOYMENT == "test"
        else "parking_share.web.static_files.StaticFiles"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEPLOYMENT == "test"

# E-mail
vars().update(env.email("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="parking-share@localhost")
EMAIL_TIMEOUT = 10

# What lies under the city map; without any the map works offline
BASE_MAP = base_map_of(
    kind=env.str("BASE_MAP", default="none"),
    address=env.str("BASE_MAP_ADDRESS", default=""),
    key=env.str("BASE_MAP_KEY", default=""),
    hosts=env.list("BASE_MAP_HOSTS", default=[]),
)
MAP_APPROVAL_NUMBER = env.str("MAP_APPROVAL_NUMBER", default="")
EMBED_ORIGINS = embedding_origins(env.list("EMBED_ORIGINS", default=[]))  # who may frame the public map; nothing else

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *BASE_MAP["hosts"]],
        "connect-src": [SELF, *BASE_MAP["hosts"]],
        "font-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "parking_share.web.errors.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
if IS_PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    LANGUAGE_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^api/", r"^healthz$", r"^readyz$"]
    if env.bool("BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        ALLAUTH_TRUSTED_PROXY_COUNT = 1

# Logs: one JSON object a line; a request's id goes with it into Celery
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False


def _leave_out_beginnings(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """One line a request and a task is enough: the one that says how it ended."""
    if event.get("event") in {"request_started", "task_enqueued", "task_started"}:
        raise structlog.DropEvent
    return event


_SHARED_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]
structlog.configure(
    processors=[
        _leave_out_beginnings,
        *_SHARED_PROCESSORS,
        structlog.stdlib.filter_by_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
                hide_in_line,
            ],
            "foreign_pre_chain": [*_SHARED_PROCESSORS, structlog.processors.format_exc_info],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django_structlog": {"level": env.str("LOG_LEVEL", default="INFO")},
        "celery.worker.strategy": {"level": "WARNING"},  # django_structlog says the same, with the request's id
        "celery.app.trace": {"level": "WARNING"},
    },
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Parking Share",
    "VERSION": "1",
    "DESCRIPTION": "Find, book and share parking bays.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
