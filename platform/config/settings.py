"""Django's settings. Everything an operator decides comes from the environment (.env.example lists it)."""

import dj_database_url
from corsheaders.defaults import default_headers

from common import environment
from common.environment import ROOT

DATA_DIR = environment.data_dir()
SECRET_KEY = environment.installation_secret(DATA_DIR)
DEBUG = environment.flag("DEBUG")
PUBLIC_HOST = environment.text("PUBLIC_HOST", "localhost")
# Which host belongs to whom is decided by the Host table; an unknown host is answered 404 there.
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "*")

# --- apps: unfold and tenants stand before django_tenants, whose admin templates and create_tenant would win otherwise.
SHARED_APPS = [
    "unfold",
    "tenants",
    "django_tenants",
    "tenants.members",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "embedded",
    "api",
]
TENANT_APPS = [
    "tenants.members",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.admin",
    "contacts",
    "deliverability",
    "outbound",
    "campaigns",
    "api.ledger",
    "api.callbacks",
]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS]

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Host"
TENANT_TEMPLATE_SCHEMA = "tenant_template"
TENANT_LIMIT_SET_CALLS = True
PUBLIC_SCHEMA_URLCONF = "config.urls_public"
ROOT_URLCONF = "config.urls_tenant"

AUTH_USER_MODEL = "members.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "api.measuring.MeasuringMiddleware",
    "tenants.middleware.RequestIdMiddleware",
    "api.health.WatchDoors",
    "api.middleware.RequestLog",
    "corsheaders.middleware.CorsMiddleware",
    "api.middleware.ApiErrors",
    "api.middleware.OptionalSlash",
    "tenants.middleware.TenantMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

# --- database: the embedded launcher sets DATABASE_URL for its own server.
DATABASE_URL = environment.text("DATABASE_URL", "postgres://postgres@localhost/lettershop")
DATABASES = {
    "default": dj_database_url.parse(
        DATABASE_URL, engine="django_tenants.postgresql_backend", conn_max_age=600, conn_health_checks=True
    )
}
DATABASE_ROUTERS = ["tenants.router.TenantRouter", "django_tenants.routers.TenantSyncRouter"]

# --- the APIs
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "api.docs.operations.Operation",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
# Keys the operator gives; each is made when its tenant exists (tenants.services.environment_keys).
ENVIRONMENT_API_KEYS = {
    name: environment.text(name) for name in ("API_KEY", "API_KEY_CLIENT1", "API_KEY_CLIENT2", "API_KEY_ADMIN")
}
# bcrypt's cost, as a power of two. Keys are random and long: it makes guessing no harder, only each check dearer.
KEY_HASH_ROUNDS = environment.integer("KEY_HASH_ROUNDS", 10)
# Calls a minute of a key, of the user it acts for, of a tenant and of all; 0: any number. And wrong keys of an address.
API_LIMIT_PER_KEY = environment.integer("API_LIMIT_PER_KEY", 600)
API_LIMIT_PER_USER = environment.integer("API_LIMIT_PER_USER", 600)
API_LIMIT_PER_TENANT = environment.integer("API_LIMIT_PER_TENANT", 1_200)
API_LIMIT_GLOBAL = environment.integer("API_LIMIT_GLOBAL", 6_000)
API_LIMIT_WRONG_KEYS = environment.integer("API_LIMIT_WRONG_KEYS", 20)
# What the dialects' references limit besides: Aegis an hour, the relay a minute, hosting by its own window (ms).
API_LIMIT_AEGIS = environment.integer("API_LIMIT_AEGIS", 100)
API_LIMIT_RELAY_TIERS = environment.integer("API_LIMIT_RELAY_TIERS", 1)
API_LIMIT_RELAY_SEND = environment.integer("API_LIMIT_RELAY_SEND", 100)
API_LIMIT_RELAY_LIST = environment.integer("API_LIMIT_RELAY_LIST", 1_000)
API_LIMIT_RELAY_REALTIME = environment.integer("API_LIMIT_RELAY_REALTIME", 10)
API_LIMIT_RELAY_ADMIN = environment.integer("API_LIMIT_RELAY_ADMIN", 10)
RATE_LIMIT_MAX = environment.integer("RATE_LIMIT_MAX", 100)
RATE_LIMIT_WINDOW = environment.integer("RATE_LIMIT_WINDOW", 900_000)
# The gateway's: bytes of a call, and messages a day of a key that has no limit of its own.
MAX_REQUEST_SIZE = environment.integer("MAX_REQUEST_SIZE", 262_144)
GATEWAY_DAILY_LIMIT = environment.integer("GATEWAY_DAILY_LIMIT", 15)
# An endpoint that is told what becomes of messages (api.callbacks.environment), for the tenant of API_KEY.
WEBHOOK_URL = environment.text("WEBHOOK_URL")
WEBHOOK_SECRET = environment.text("WEBHOOK_SECRET")
# Where providers' own APIs are asked (outbound.provider_apis), and Mailgun accounts of workspaces: ws-001:EU:key.
GMAIL_TOKEN_URL = environment.text("GMAIL_TOKEN_URL", "https://oauth2.googleapis.com/token")
MAILGUN_URL_US = environment.text("MAILGUN_URL_US", "https://api.mailgun.net")
MAILGUN_URL_EU = environment.text("MAILGUN_URL_EU", "https://api.eu.mailgun.net")
MAILGUN_API_KEYS = environment.words("MAILGUN_API_KEYS")
# Pages of these origins may call the APIs from a browser; none unless the operator lists them.
CORS_ALLOWED_ORIGINS = environment.words("CORS_ORIGINS")
CORS_URLS_REGEX = r"^/(api|v1|send|status|graphql|openapi\.json)"
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = (
    *default_headers,
    "x-api-key",
    "x-workspace-id",
    "x-request-id",
    "idempotency-key",
)
CORS_EXPOSE_HEADERS = (
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Workspace",
    "X-Next-Cursor",
    "X-Total-Count",
    "X-Page-Count",
    "X-Current-Page",
    "X-Per-Page",
    "Link",
    "Sunset",
    "Deprecation",
    "Retry-After",
    "Idempotency-Replayed",
)

# --- redis: holds only what can be lost.
REDIS_URL = environment.text("REDIS_URL", "redis://localhost:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    }
}

CELERY_BROKER_URL = environment.text("CELERY_BROKER_URL", REDIS_URL)

# --- the engine
ENGINE_JOURNAL_DIR = DATA_DIR / "journal"
ENGINE_RUNNERS = environment.integer("ENGINE_RUNNERS", 2)
ENGINE_SLICE_SECONDS = environment.integer("ENGINE_SLICE_SECONDS", 30)

HELO_NAME = environment.text("HELO_NAME", "localhost")

# --- addresses that outsiders see; a tenant's own hosts win over these
PUBLIC_URL = environment.text("PUBLIC_URL")
BOUNCE_DOMAIN = environment.text("BOUNCE_DOMAIN")

# --- web
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
BEHIND_PROXY = environment.flag("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.flag("HTTPS")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "common.jsonlog.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django_tenants": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # A line for each heartbeat and each task would drown the rest.
        "celery": {"level": "WARNING"},
    },
}

from config.desks import FORMAT_MODULE_PATH, STATICFILES_DIRS, UNFOLD, UNFOLD_OPERATOR  # noqa: E402, F401
from config.documentation import SPECTACULAR_SETTINGS  # noqa: E402, F401
