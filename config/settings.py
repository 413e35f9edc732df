"""Settings, read from the environment. Defaults run everything on one machine, for one person to try.

`COUNTERSTAIN_PRODUCTION=1` turns on the checks of a served site: unsafe values are refused at start.
"""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from config.environment import (
    broker_options,
    database_from_url,
    env_flag,
    env_int,
    env_list,
    listening_hosts,
    secret_key,
    storage_from_environment,
)
from config.production import refuse_unsafe
from config.standalone.layout import PROJECT_ROOT, Layout, home_folder

BASE_DIR = PROJECT_ROOT
HOME = home_folder()
LAYOUT = Layout(HOME)
VERSION = "0.1.0"

PRODUCTION = env_flag("COUNTERSTAIN_PRODUCTION", default=False)
DEBUG = env_flag("DEBUG", default=False)
SECRET_KEY = secret_key(LAYOUT.secret_key_file)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=[] if PRODUCTION else listening_hosts())
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_vite",
    "axes",
    "csp",
    "accounts",
    "viewer",
    "annotation",
    "training",
    "review",
    "config",  # management commands of the whole: doctor, demo
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
    "accounts.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_VERBOSE = False
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours; the page below names it
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cookies and headers. A served site speaks TLS; on one's own machine there is none.
SESSION_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env_int("SESSION_HOURS", default=12) * 3600
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", default=31_536_000) if PRODUCTION else 0
# Trust X-Forwarded-Proto only where a proxy in front sets it on every request.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env_flag("TRUST_FORWARDED_PROTO", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],  # OpenSeadragon draws tiles from blobs
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

TILE_TOKEN_SECONDS = env_int("TILE_TOKEN_SECONDS", default=3600)
TILE_CACHE_BYTES = env_int("TILE_CACHE_BYTES", default=5 * 10**9)
SLIDE_CACHE_BYTES = env_int("SLIDE_CACHE_BYTES", default=50 * 10**9)
UPLOAD_MAX_BYTES = env_int("UPLOAD_MAX_BYTES", default=50 * 10**9)
UPLOAD_EXPIRES_HOURS = env_int("UPLOAD_EXPIRES_HOURS", default=48)
IMPORT_ROOTS = [Path(folder).resolve() for folder in env_list("IMPORT_ROOTS", default=[])]
RUN_SILENCE_SECONDS = env_int("RUN_SILENCE_SECONDS", default=60)
RUN_HEARTBEAT_SECONDS = env_int("RUN_HEARTBEAT_SECONDS", default=5)
TRAINING_THREADS = env_int("TRAINING_THREADS", default=os.cpu_count() or 1)
COUNTING_THREADS = env_int("COUNTING_THREADS", default=min(8, os.cpu_count() or 1))
NUCLEUS_MODEL = os.environ.get("NUCLEUS_MODEL") or None

DATABASES = {"default": database_from_url(os.environ.get("DATABASE_URL") or LAYOUT.database_url)}

UNDER_TEST = "PYTEST_VERSION" in os.environ
if UNDER_TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of throw-away users

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or LAYOUT.broker_url
CELERY_RESULT_BACKEND = os.environ.get("CELERY_RESULT_BACKEND") or f"{LAYOUT.broker_url}?virtual_host=1"
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = CELERY_BROKER_TRANSPORT_OPTIONS
CELERY_TASK_ALWAYS_EAGER = UNDER_TEST
CELERY_TASK_EAGER_PROPAGATES = UNDER_TEST
CELERY_TASK_DEFAULT_QUEUE = "cpu"
# Runs go where the GPU is; everything else to the default queue.
CELERY_TASK_ROUTES = {"training.tasks.execute_run": {"queue": "gpu"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

MEDIA_ROOT = LAYOUT.storage
STORAGES = {
    "default": storage_from_environment(LAYOUT.storage),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

FRONTEND_BUILD = BASE_DIR / "frontend" / "dist"
STATIC_URL = "static/"
STATICFILES_DIRS = [FRONTEND_BUILD]
# A served site collects its files once (manage.py prepare); elsewhere they are read where they lie.
WHITENOISE_USE_FINDERS = not PRODUCTION
STATIC_ROOT = LAYOUT.static if PRODUCTION else None
WHITENOISE_IMMUTABLE_FILE_TEST = r"/assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$"  # Vite's names carry a hash
DJANGO_VITE = {"default": {"dev_mode": False, "manifest_path": FRONTEND_BUILD / "manifest.json"}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # First, because it names a challenge: who is signed out gets 401, and 403 means a missing role.
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 200,
    "EXCEPTION_HANDLER": "config.exceptions.api_exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Counterstain",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_NAME_OVERRIDES": {"LabelEnum": "annotation.models.Label"},
}

# What goes into the logs: addresses with numbers in them, never a name, a file name or a row.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "config.logs.WithoutRows", "format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},  # no mail with settings and request in it
        "django.db.backends": {"level": "WARNING"},  # statements hold what people typed
    },
}

if PRODUCTION:
    refuse_unsafe(globals(), os.environ)
