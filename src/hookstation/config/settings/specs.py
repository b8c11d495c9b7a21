"""Every setting: its name, kind, default, limits and help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "HOOKSTATION_"
FILE: Final = "hookstation.toml"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting.

    `kind`: text, path, secret, database (a URL with a password), choice (one of `choices`), integer (from `least` to
    `most`) or list (of texts, comma-separated outside the file).
    """

    name: str
    kind: str
    default: str
    help: str
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


SETTINGS: Final = (
    SettingSpec("data", "path", "./hookstation-data", "The data folder."),
    SettingSpec(
        "database_url",
        "database",
        "",
        "The database: `sqlite:///PATH` (empty: SQLite in the data folder), or for many nodes "
        "`postgresql://USER:PASSWORD@HOST:PORT/NAME`, where HOST:PORT may be several with commas. `sslmode` and the "
        "other parameters of libpq stand behind a `?`.",
    ),
    SettingSpec(
        "database_replica_url",
        "database",
        "",
        "A read replica of PostgreSQL that serves the lists of events, which may then be a moment behind; while it "
        "does not answer, the primary serves them.",
    ),
    SettingSpec(
        "database_pool",
        "integer",
        "4",
        "PostgreSQL: most connections of a node that read and change the configuration.",
        1,
        1_000,
    ),
    SettingSpec(
        "database_flushers",
        "integer",
        "2",
        "PostgreSQL: connections of a node that commit events; two keep a slow commit from being waited for by all.",
        1,
        16,
    ),
    SettingSpec(
        "database_connect_timeout",
        "integer",
        "5",
        "PostgreSQL: seconds that a new connection may take.",
        1,
        300,
    ),
    SettingSpec(
        "database_pool_timeout",
        "integer",
        "5",
        "PostgreSQL: seconds that a free connection is waited for.",
        1,
        300,
    ),
    SettingSpec(
        "database_statement_timeout",
        "integer",
        "10",
        "PostgreSQL: seconds that a statement may take.",
        1,
        3_600,
    ),
    SettingSpec(
        "database_lock_timeout",
        "integer",
        "5",
        "PostgreSQL: seconds that a lock is waited for.",
        1,
        3_600,
    ),
    SettingSpec(
        "database_synchronous_commit",
        "choice",
        "on",
        "PostgreSQL: what a commit waits for before its call is answered. `on`: the disk of the server and of its "
        "synchronous standbys; `remote_apply`: until standbys show it too; `remote_write`: standbys need not have it "
        "on disk; `local`: the server's own disk only, so that a failover may lose what was acknowledged. `off` is "
        "refused.",
        choices=("on", "remote_apply", "remote_write", "local"),
    ),
    SettingSpec(
        "database_pooler",
        "choice",
        "none",
        "PostgreSQL: `transaction` where a pooler like PgBouncer in transaction mode stands between. Statements are "
        "then not kept prepared, and other nodes' changes are found by polling.",
        choices=("none", "transaction"),
    ),
    SettingSpec(
        "database_tls_ca",
        "text",
        "",
        "PostgreSQL: file of the certificates (PEM) that the server's must be signed by; it needs "
        "`sslmode=verify-full` or `verify-ca` in the URL.",
    ),
    SettingSpec(
        "role",
        "choice",
        "all",
        "What this node does: `web` takes calls and serves the API, `worker` works on what is unfinished, `all` does "
        "both. `web` and `worker` need PostgreSQL.",
        choices=("all", "web", "worker"),
    ),
    SettingSpec("host", "text", "127.0.0.1", "The address to listen on."),
    SettingSpec("port", "integer", "8080", "The port to listen on; 0 picks a free one.", 0, 65_535),
    SettingSpec("public_url", "text", "", "How the outside reaches this station; empty: its own address."),
    SettingSpec(
        "master_key",
        "secret",
        "",
        "Base64 of 32 bytes that secrets are sealed under; empty: the file master.key in the data folder, made at "
        "the first start. With PostgreSQL it must be given, the same to every node.",
    ),
    SettingSpec("tls_cert", "text", "", "Certificate file (PEM) for HTTPS."),
    SettingSpec("tls_key", "text", "", "Key file (PEM) for HTTPS."),
    SettingSpec(
        "trusted_proxies",
        "list",
        "",
        "Addresses or networks of proxies whose X-Forwarded-For header is believed: the sender is the right-most "
        "address in it that is none of them.",
    ),
    SettingSpec(
        "folders",
        "list",
        "",
        "Folders of this machine whose files connections may use: SQLite databases, and folders for exchange. Whoever "
        "may edit connections can read and write what lies below them; the station's own data folder never is theirs.",
    ),
    SettingSpec(
        "retention_days",
        "integer",
        "365",
        "How long settled events stay, and runs that have ended; 0 is for ever.",
        0,
        36_500,
    ),
    SettingSpec(
        "retention_rejected_days", "integer", "30", "How long rejected calls stay; 0 is for ever.", 0, 36_500
    ),
    SettingSpec(
        "retention_rejected_count",
        "integer",
        "100000",
        "Most rejected calls that stay; 0 is no limit.",
        0,
        1_000_000_000,
    ),
    SettingSpec(
        "retention_bytes",
        "integer",
        "0",
        "Most bytes of bodies that stay, oldest go first; 0 is no limit.",
        0,
        1 << 50,
    ),
    SettingSpec(
        "retention_delivery_days",
        "integer",
        "90",
        "How long deliveries stay that have ended, with their attempts and figures; 0 is for ever.",
        0,
        36_500,
    ),
    SettingSpec(
        "most_in_flight",
        "integer",
        "2000",
        "Most calls at work at once, those whose body is still coming among them; more get 503 with Retry-After.",
        1,
        100_000,
    ),
    SettingSpec(
        "most_body_bytes",
        "integer",
        "268435456",
        "Most bytes of bodies held at once over all connections; a body that finds no room gets 503 with Retry-After, "
        "one that alone is larger gets 413, whatever its webhook's `limits.body`.",
        1 << 20,
        1 << 40,
    ),
    SettingSpec(
        "most_connections",
        "integer",
        "10000",
        "Most open connections; one more gets 503 and is closed. Keep it below the process's limit of open files. "
        "The station's own command line does not count.",
        10,
        1_000_000,
    ),
    SettingSpec(
        "leave_seconds",
        "integer",
        "0",
        "How long calls are still taken after the signal to stop, while /readyz answers 503: behind a load balancer "
        "longer than it takes to notice that, so that no caller meets a closed door. A second signal cuts it short.",
        0,
        60,
    ),
    SettingSpec("session_hours", "integer", "12", "How long somebody stays signed in at most.", 1, 720),
    SettingSpec(
        "session_idle_minutes",
        "integer",
        "120",
        "How long somebody stays signed in without opening a page.",
        5,
        43_200,
    ),
    SettingSpec(
        "log_level",
        "choice",
        "info",
        "Least severe log line: debug, info, warning or error.",
        choices=("debug", "info", "warning", "error"),
    ),
)
BY_NAME: Final = {spec.name: spec for spec in SETTINGS}
