"""Calls that leave the process or stop it, by library: what must not stand inside an open transaction."""

from __future__ import annotations

from collections.abc import Iterable

from ormlint.orms.vocabulary import ClassRow, ExternalRow, MethodRow, classes, methods


def _functions(library: str, category: str, qualnames: str, awaitable: bool = False) -> Iterable[ExternalRow]:
    yield ExternalRow(library, category, qualnames=tuple(qualnames.split()), awaitable=awaitable)


def _methods(library: str, category: str, receiver: str, names: str, awaitable: bool = False, exempt: str = "") -> Iterable[ExternalRow]:
    yield ExternalRow(library, category, receiver=receiver, names=tuple(names.split()), exempt=tuple(exempt.split()), awaitable=awaitable)


CLASSES: tuple[ClassRow, ...] = (
    # http
    *classes("requests requests.sessions", "Session", "http_client", since="2.0", library="requests"),
    *classes("requests", "session", "http_client", "function", since="2.0", library="requests"),
    *classes("requests_toolbelt.sessions", "BaseUrlSession", "http_client", since="0.8", library="requests_toolbelt"),
    *classes("httpx", "Client", "http_client", since="0.18", library="httpx"),
    *classes("httpx", "AsyncClient", "async_http_client", since="0.18", library="httpx"),
    *classes("aiohttp aiohttp.client", "ClientSession", "async_http_client", since="3.0", library="aiohttp"),
    *classes("urllib3", "PoolManager HTTPConnectionPool HTTPSConnectionPool ProxyManager", "http_client", since="1.0", library="urllib3"),
    *classes("http.client", "HTTPConnection HTTPSConnection", "http_client", since="3.11", library="python"),
    *classes("urllib.request", "OpenerDirector", "http_client", since="3.11", library="python"),
    # mail
    *classes("smtplib", "SMTP SMTP_SSL LMTP", "mail_client", since="3.11", library="python"),
    *classes("imaplib", "IMAP4 IMAP4_SSL", "mail_client", since="3.11", library="python"),
    *classes("aiosmtplib", "SMTP", "async_mail_client", since="1.0", library="aiosmtplib"),
    *classes("flask_mail", "Mail", "mail_client", since="0.9", library="flask_mail"),
    *classes("fastapi_mail", "FastMail", "async_mail_client", since="1.0", library="fastapi_mail"),
    *classes("sendgrid", "SendGridAPIClient", "mail_client", since="6.0", library="sendgrid"),
    # queues
    *classes("celery celery.app.base", "Celery", "task_app", since="4.0", library="celery"),
    *classes("celery celery.app.task", "Task", "task", since="4.0", library="celery"),
    *classes("celery celery.canvas", "signature chain group chord chunks", "task_signature", "function", since="4.0", library="celery"),
    *classes("celery celery.canvas", "Signature", "task_signature", since="4.0", library="celery"),
    *classes("kafka kafka.producer", "KafkaProducer", "queue_producer", since="1.0", library="kafka-python"),
    *classes("confluent_kafka", "Producer SerializingProducer", "queue_producer", since="1.0", library="confluent-kafka"),
    *classes("aiokafka aiokafka.producer", "AIOKafkaProducer", "async_queue_producer", since="0.5", library="aiokafka"),
    *classes("pika", "BlockingConnection SelectConnection", "queue_connection", since="1.0", library="pika"),
    *classes("pika.adapters.blocking_connection", "BlockingChannel", "queue_producer", since="1.0", library="pika"),
    *classes("pika.channel", "Channel", "queue_producer", since="1.0", library="pika"),
    *classes("aio_pika aio_pika.exchange", "Exchange", "async_queue_producer", since="6.0", library="aio-pika"),
    *classes("aio_pika.abc", "AbstractExchange", "async_queue_producer", since="7.0", library="aio-pika"),
    *classes("kombu kombu.messaging", "Producer", "queue_producer", since="4.0", library="kombu"),
    *classes("kombu", "Connection", "queue_connection", since="4.0", library="kombu"),
    *classes("rq", "Queue", "job_queue", since="1.0", library="rq"),
    *classes("arq arq.connections", "ArqRedis", "async_job_queue", since="0.20", library="arq"),
    *classes("dramatiq", "Actor", "task", since="1.0", library="dramatiq"),
    *classes("huey", "Huey RedisHuey SqliteHuey MemoryHuey", "task_app", since="2.0", library="huey"),
    *classes("google.cloud.pubsub_v1 google.cloud.pubsub", "PublisherClient", "queue_producer", since="1.0", library="google-cloud-pubsub"),
    *classes("azure.servicebus", "ServiceBusSender ServiceBusClient", "queue_producer", since="7.0", library="azure-servicebus"),
    *classes("nats", "NATS", "async_queue_producer", since="2.0", library="nats-py"),
    *classes("zmq", "Socket", "socket", since="20.0", library="pyzmq"),
    # cache
    *classes("redis redis.client", "Redis StrictRedis", "cache_client", since="3.0", library="redis"),
    *classes("redis", "from_url", "cache_client", "function", since="3.0", library="redis"),
    *classes("redis.asyncio redis.asyncio.client", "Redis StrictRedis", "async_cache_client", since="4.2", library="redis"),
    *classes("redis.asyncio", "from_url", "async_cache_client", "function", since="4.2", library="redis"),
    *classes("redis.cluster redis", "RedisCluster", "cache_client", since="4.1", library="redis"),
    *classes("aioredis", "Redis StrictRedis", "async_cache_client", since="2.0", library="aioredis"),
    *classes("aioredis", "from_url", "async_cache_client", "function", since="2.0", library="aioredis"),
    *classes(
        "pymemcache pymemcache.client pymemcache.client.base", "Client PooledClient", "cache_client", since="3.0", library="pymemcache"
    ),
    *classes("memcache", "Client", "cache_client", since="1.0", library="python-memcached"),
    *classes("pylibmc", "Client", "cache_client", since="1.0", library="pylibmc"),
    *classes("flask_caching", "Cache", "cache_client", since="1.0", library="flask_caching"),
    *classes("cachelib", "FileSystemCache RedisCache SimpleCache MemcachedCache", "cache_client", since="0.1", library="cachelib"),
    *classes("diskcache", "Cache FanoutCache", "cache_client", since="5.0", library="diskcache"),
    *classes("aiocache", "Cache RedisCache SimpleMemoryCache", "async_cache_client", since="0.10", library="aiocache"),
    # storage
    *classes("boto3", "client resource", "cloud_client", "function", since="1.0", library="boto3"),
    *classes("boto3 boto3.session", "Session", "cloud_session", since="1.0", library="boto3"),
    *classes("botocore.session", "get_session", "cloud_session", "function", since="1.0", library="botocore"),
    *classes("botocore.session", "Session", "cloud_session", since="1.0", library="botocore"),
    *classes("botocore.client", "BaseClient", "cloud_client", since="1.0", library="botocore"),
    *classes("aioboto3", "Session", "async_cloud_session", since="8.0", library="aioboto3"),
    *classes("aiobotocore.session", "get_session", "async_cloud_session", "function", since="1.0", library="aiobotocore"),
    *classes("google.cloud.storage", "Client", "storage_client", since="1.0", library="google-cloud-storage"),
    *classes(
        "azure.storage.blob", "BlobServiceClient ContainerClient BlobClient", "storage_client", since="12.0", library="azure-storage-blob"
    ),
    *classes("minio", "Minio", "storage_client", since="7.0", library="minio"),
    *classes("ftplib", "FTP FTP_TLS", "storage_client", since="3.11", library="python"),
    *classes("paramiko paramiko.client", "SSHClient", "storage_client", since="2.0", library="paramiko"),
    *classes("paramiko", "SFTPClient", "storage_client", since="2.0", library="paramiko"),
    # search
    *classes("elasticsearch", "Elasticsearch", "search_client", since="7.0", library="elasticsearch"),
    *classes("elasticsearch", "AsyncElasticsearch", "async_search_client", since="7.8", library="elasticsearch"),
    *classes("opensearchpy", "OpenSearch", "search_client", since="1.0", library="opensearch-py"),
    *classes("meilisearch", "Client", "search_client", since="0.10", library="meilisearch"),
    *classes("algoliasearch.search.client", "SearchClientSync", "search_client", since="4.0", library="algoliasearch"),
    # language models
    *classes("openai", "OpenAI AzureOpenAI", "llm_client", since="1.0", library="openai"),
    *classes("openai", "AsyncOpenAI AsyncAzureOpenAI", "async_llm_client", since="1.0", library="openai"),
    *classes("anthropic", "Anthropic AnthropicBedrock AnthropicVertex", "llm_client", since="0.3", library="anthropic"),
    *classes("anthropic", "AsyncAnthropic AsyncAnthropicBedrock", "async_llm_client", since="0.3", library="anthropic"),
    *classes("cohere", "Client ClientV2", "llm_client", since="4.0", library="cohere"),
    *classes("cohere", "AsyncClient AsyncClientV2", "async_llm_client", since="4.0", library="cohere"),
    *classes("mistralai", "Mistral", "llm_client", since="1.0", library="mistralai"),
    *classes("groq", "Groq", "llm_client", since="0.4", library="groq"),
    *classes("groq", "AsyncGroq", "async_llm_client", since="0.4", library="groq"),
    *classes("google.genai", "Client", "llm_client", since="1.0", library="google-genai"),
    *classes("google.generativeai", "GenerativeModel", "llm_client", since="0.3", library="google-generativeai"),
    *classes("ollama", "Client", "llm_client", since="0.1", library="ollama"),
    *classes("ollama", "AsyncClient", "async_llm_client", since="0.1", library="ollama"),
    *classes("langchain_openai", "ChatOpenAI OpenAIEmbeddings", "llm_client", since="0.1", library="langchain-openai"),
    *classes("langchain_anthropic", "ChatAnthropic", "llm_client", since="0.1", library="langchain-anthropic"),
    # payment, messages, rpc
    *classes("stripe", "StripeClient", "payment_client", since="8.0", library="stripe"),
    *classes("twilio.rest", "Client", "sms_client", since="6.0", library="twilio"),
    *classes("slack_sdk slack_sdk.web", "WebClient", "chat_client", since="3.0", library="slack_sdk"),
    *classes("slack_sdk.web.async_client", "AsyncWebClient", "async_chat_client", since="3.0", library="slack_sdk"),
    *classes("slack_sdk.webhook slack_sdk", "WebhookClient", "chat_client", since="3.0", library="slack_sdk"),
    *classes("telegram", "Bot", "async_chat_client", since="20.0", library="python-telegram-bot"),
    *classes("aiogram aiogram.client.bot", "Bot", "async_chat_client", since="3.0", library="aiogram"),
    *classes("pusher", "Pusher", "chat_client", since="2.0", library="pusher"),
    *classes("grpc", "insecure_channel secure_channel", "rpc_channel", "function", since="1.0", library="grpcio"),
    *classes("grpc", "Channel", "rpc_channel", since="1.0", library="grpcio"),
    *classes("xmlrpc.client", "ServerProxy", "rpc_client", since="3.11", library="python"),
    *classes("koji", "ClientSession", "rpc_client", since="1.20", library="koji"),
    *classes("zeep", "Client", "rpc_client", since="3.0", library="zeep"),
    *classes("socket", "socket", "socket", since="3.11", library="python"),
)

_VERBS = "get post put patch delete head options request"
_CACHE_COMMANDS = (
    "get set setex setnx psetex mget mset msetnx getset getdel getex append delete unlink exists expire expireat pexpire ttl pttl persist"
    " incr incrby incrbyfloat decr decrby hget hset hmget hmset hgetall hdel hexists hincrby hkeys hvals hlen hsetnx hscan lpush rpush"
    " lpop rpop blpop brpop lrange llen lrem lset ltrim lindex rpoplpush sadd srem smembers sismember scard spop sinter sunion sdiff"
    " zadd zrem zrange zrangebyscore zscore zcard zincrby zrank zrevrange zremrangebyscore scan scan_iter keys type flushdb flushall"
    " publish eval evalsha ping xadd xread xack xreadgroup xlen rename touch pfadd pfcount geoadd geosearch add clear"
)
_MEMORY_CACHE_COMMANDS = "get_many set_many delete_many get_multi set_multi delete_multi replace cas has get_dict"

EXTERNAL: tuple[ExternalRow, ...] = (
    # http
    *_functions(
        "requests",
        "http",
        "requests.get requests.post requests.put requests.patch requests.delete requests.head requests.options requests.request"
        " requests.api.get requests.api.post requests.api.put requests.api.patch requests.api.delete requests.api.head"
        " requests.api.options requests.api.request",
    ),
    *_functions(
        "httpx",
        "http",
        "httpx.get httpx.post httpx.put httpx.patch httpx.delete httpx.head httpx.options httpx.request httpx.stream",
    ),
    *_functions("aiohttp", "http", "aiohttp.request", awaitable=True),
    *_functions("python", "http", "urllib.request.urlopen urllib.request.urlretrieve"),
    *_functions("urllib3", "http", "urllib3.request"),
    *_methods("requests", "http", "http_client", f"{_VERBS} send stream urlopen open getresponse"),
    *_methods("httpx", "http", "async_http_client", f"{_VERBS} send stream ws_connect", awaitable=True),
    # mail
    *_methods("python", "mail", "mail_client", "send_message sendmail send connect login starttls"),
    *_methods("aiosmtplib", "mail", "async_mail_client", "send_message sendmail connect login", awaitable=True),
    *_functions("aiosmtplib", "mail", "aiosmtplib.send", awaitable=True),
    *_functions("django", "mail", "django.core.mail.send_mail django.core.mail.send_mass_mail"),
    *_functions("yagmail", "mail", "yagmail.SMTP.send"),
    # queues and tasks
    *_methods("celery", "queue", "task", "delay apply_async send send_with_options retry schedule"),
    *_methods("celery", "queue", "task_signature", "delay apply_async"),
    *_methods("celery", "queue", "task_app", "send_task enqueue"),
    *_functions("celery", "queue", "celery.current_app.send_task celery.execute.send_task"),
    *_methods("kafka-python", "queue", "queue_producer", "send produce flush poll basic_publish publish send_messages"),
    *_methods("aiokafka", "queue", "async_queue_producer", "send send_and_wait publish flush", awaitable=True),
    *_methods("pika", "queue", "queue_connection", "channel"),
    *_methods("rq", "queue", "job_queue", "enqueue enqueue_call enqueue_in enqueue_at enqueue_many"),
    *_methods("arq", "queue", "async_job_queue", "enqueue_job", awaitable=True),
    *_functions("pika", "queue", "pika.BlockingConnection"),
    *_functions("aio-pika", "queue", "aio_pika.connect aio_pika.connect_robust", awaitable=True),
    # processes
    *_functions(
        "python",
        "process",
        "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.getoutput subprocess.getstatusoutput"
        " subprocess.Popen os.system os.popen os.execv os.execvp os.spawnv os.spawnl os.posix_spawn pty.spawn",
    ),
    *_functions("python", "process", "asyncio.create_subprocess_exec asyncio.create_subprocess_shell", awaitable=True),
    *_functions("anyio", "process", "anyio.run_process anyio.open_process", awaitable=True),
    *_functions("sh", "process", "sh.Command"),
    # waits
    *_functions("python", "sleep", "time.sleep"),
    *_functions("gevent", "sleep", "gevent.sleep eventlet.sleep"),
    *_functions("python", "sleep", "asyncio.sleep", awaitable=True),
    *_functions("anyio", "sleep", "anyio.sleep anyio.sleep_until trio.sleep trio.sleep_until curio.sleep", awaitable=True),
    # cache
    *_methods("redis", "cache", "cache_client", f"{_CACHE_COMMANDS} {_MEMORY_CACHE_COMMANDS}"),
    *_methods("redis", "cache", "async_cache_client", _CACHE_COMMANDS, awaitable=True),
    # clouds: what a client does goes by its service, see CLOUD_SERVICES
    *_methods(
        "boto3",
        "cloud",
        "cloud_client",
        "*",
        exempt="meta exceptions can_paginate get_paginator get_waiter close generate_presigned_url generate_presigned_post",
    ),
    # storage
    *_methods(
        "google-cloud-storage",
        "storage",
        "storage_client",
        "*",
        exempt="close bucket blob get_blob_client get_container_client set_missing_host_key_policy from_service_account_json",
    ),
    # search
    *_methods("elasticsearch", "search", "search_client", "*", exempt="close options transport"),
    *_methods("elasticsearch", "search", "async_search_client", "*", awaitable=True, exempt="close options transport"),
    # language models
    *_methods("openai", "llm", "llm_client", "*", exempt="close copy with_options is_closed api_key base_url timeout"),
    *_methods(
        "openai", "llm", "async_llm_client", "*", awaitable=True, exempt="close copy with_options is_closed api_key base_url timeout"
    ),
    *_functions(
        "openai",
        "llm",
        "openai.ChatCompletion.create openai.Completion.create openai.Embedding.create openai.chat.completions.create"
        " openai.responses.create openai.embeddings.create openai.images.generate openai.completions.create"
        " litellm.completion litellm.embedding ollama.chat ollama.generate ollama.embeddings replicate.run",
    ),
    *_functions("litellm", "llm", "litellm.acompletion litellm.aembedding", awaitable=True),
    # payment
    *_methods("stripe", "payment", "payment_client", "*", exempt="construct_event parse_thin_event"),
    *_functions(
        "stripe",
        "payment",
        "stripe.Charge.create stripe.Charge.retrieve stripe.PaymentIntent.create stripe.PaymentIntent.retrieve"
        " stripe.PaymentIntent.confirm stripe.PaymentIntent.capture stripe.PaymentIntent.cancel stripe.Customer.create"
        " stripe.Customer.retrieve stripe.Customer.modify stripe.Subscription.create stripe.Subscription.retrieve"
        " stripe.Subscription.modify stripe.Subscription.cancel stripe.Refund.create stripe.checkout.Session.create"
        " stripe.checkout.Session.retrieve stripe.Invoice.create stripe.Invoice.retrieve stripe.Price.create stripe.Product.create"
        " stripe.SetupIntent.create stripe.PaymentMethod.attach stripe.Transfer.create stripe.Account.create",
    ),
    # text messages and chat
    *_methods("twilio", "sms", "sms_client", "*", exempt="username password account_sid region edge"),
    *_methods(
        "slack_sdk",
        "chat",
        "chat_client",
        "chat_postMessage chat_update chat_delete files_upload files_upload_v2 conversations_list conversations_open users_info"
        " users_lookupByEmail views_open api_call send send_dict chat_postEphemeral reactions_add trigger trigger_batch",
    ),
    *_methods(
        "slack_sdk",
        "chat",
        "async_chat_client",
        "chat_postMessage chat_update chat_delete files_upload files_upload_v2 conversations_list conversations_open users_info"
        " users_lookupByEmail views_open api_call chat_postEphemeral reactions_add send_message send_photo send_document"
        " send_media_group edit_message_text edit_message_caption edit_message_media edit_message_reply_markup delete_message"
        " forward_message copy_message answer_callback_query get_chat get_chat_member get_file download",
        awaitable=True,
    ),
    *_functions(
        "firebase_admin",
        "chat",
        "firebase_admin.messaging.send firebase_admin.messaging.send_each firebase_admin.messaging.send_all"
        " firebase_admin.messaging.send_each_for_multicast firebase_admin.messaging.send_multicast"
        " firebase_admin.messaging.subscribe_to_topic firebase_admin.messaging.unsubscribe_from_topic",
    ),
    *_functions("firebase_admin", "chat", "firebase_admin.messaging.send_each_async", awaitable=True),
    # remote calls and sockets
    *_methods("grpc", "rpc", "rpc_channel", "unary_unary unary_stream stream_unary stream_stream"),
    *_methods("python", "rpc", "rpc_client", "*"),
    *_methods("python", "socket", "socket", "connect send sendall sendto recv recvfrom accept send_string send_json send_multipart"),
    *_functions("python", "socket", "socket.create_connection socket.getaddrinfo socket.gethostbyname"),
    *_functions("python", "socket", "asyncio.open_connection", awaitable=True),
)

CLOUD_SERVICES: dict[str, str] = {
    "s3": "storage",
    "s3control": "storage",
    "glacier": "storage",
    "dynamodb": "storage",
    "ses": "mail",
    "sesv2": "mail",
    "sqs": "queue",
    "sns": "queue",
    "kinesis": "queue",
    "firehose": "queue",
    "events": "queue",
    "mq": "queue",
    "stepfunctions": "queue",
    "lambda": "rpc",
    "bedrock-runtime": "llm",
    "bedrock-agent-runtime": "llm",
    "elasticache": "cache",
    "pinpoint": "sms",
}
"""boto3's service name (first argument of `client`, `resource`) to the category of its calls; of others no more is known than "cloud"."""

METHODS: tuple[MethodRow, ...] = (*methods("cloud_session", "", "cloud_client", "client resource", since="1.0", library="boto3"),)
