package io.sluice.config;

import io.sluice.auth.NamedToken;
import io.sluice.cache.CacheSettings;
import io.sluice.config.GatewayConfig.Auth;
import io.sluice.config.GatewayConfig.Egress;
import io.sluice.config.GatewayConfig.Log;
import io.sluice.config.GatewayConfig.Names;
import io.sluice.config.GatewayConfig.PolicyRule;
import io.sluice.config.GatewayConfig.Redis;
import io.sluice.config.GatewayConfig.Server;
import io.sluice.config.GatewayConfig.Tls;
import io.sluice.guard.LimitSettings;
import io.sluice.overload.OverloadSettings;
import io.sluice.parking.ParkingSettings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Every key there is. A key added here is read, checked, given a variable, put into the schema, and asked for by the
 * test of the documentation.
 */
final class ConfigKeys {
    private ConfigKeys() {}

    private static final Key<Path> CERT =
            Key.optional("cert", Shape.file(), "required", "PEM file with the certificate and its chain.");
    private static final Key<Path> KEY =
            Key.optional("key", Shape.file(), "required", "PEM file with the private key, PKCS#8, without a password.");
    private static final Section<Tls> TLS_SECTION = new Section<>(List.of(CERT, KEY), f -> {
        Optional<Path> cert = required(f, CERT);
        Optional<Path> key = required(f, KEY);
        return cert.flatMap(c -> key.map(k -> new Tls(c, k)));
    });

    private static final Key<List<String>> CORS_ORIGINS = Key.listOf(
            "origins",
            Shape.word(),
            "none",
            "Origins of web pages that may call; '*' for any. None means no CORS headers.");
    private static final Section<List<String>> CORS_SECTION =
            new Section<>(List.of(CORS_ORIGINS), f -> Optional.of(f.value(CORS_ORIGINS)));

    private static final Key<String> HOST = Key.of(
            "host",
            Shape.word(),
            "127.0.0.1",
            "Address or name to listen on. Elsewhere than loopback needs a token.",
            "HOST");
    private static final Key<Integer> PORT =
            Key.of("port", Shape.integer(0, 65535), "8080", "Port to listen on; 0 takes any free one.", "PORT");
    private static final Key<Tls> TLS =
            Key.optional("tls", TLS_SECTION, "plain HTTP", "Serve https (HTTP/1.1 and h2) with this certificate.");
    private static final Key<URI> PUBLIC_URL = Key.optional(
            "publicUrl",
            Shape.url(),
            "http://localhost and the port",
            "How browsers and authorization servers reach the gateway, such as https://gateway.example.com.");
    private static final Key<List<String>> ALLOWED_HOSTS = Key.listOf(
            "allowedHosts",
            Shape.word(),
            "the loopback names on a loopback bind, any name elsewhere",
            "Names, with or without a port, that the Host header may say; they replace the default. '*' for any.");
    private static final Key<List<String>> ALLOWED_ORIGINS = Key.listOf(
            "allowedOrigins",
            Shape.word(),
            "the gateway's own",
            "Origins accepted in the Origin header besides the gateway's own; '*' for any.");
    private static final Key<List<String>> ALLOW =
            Key.listOf("allow", Shape.addressRange(), "everyone", "Addresses or ranges (CIDR) that may connect.");
    private static final Key<List<String>> CORS =
            Key.section("cors", CORS_SECTION, "Answers to web pages of other origins.");
    private static final Key<Integer> MAX_BODY =
            Key.of("maxBody", Shape.size(1024, 64 << 20), "4MiB", "Longest request body, up to 64MiB.");
    private static final Key<Duration> IDLE_TIMEOUT = Key.of(
            "idleTimeout",
            Shape.duration(),
            "30s",
            "How long a connection may be silent between requests, and a request's head may take.");
    private static final Key<Duration> BODY_TIMEOUT =
            Key.of("bodyTimeout", Shape.duration(), "15s", "How long a request's body may take to arrive.");
    private static final Key<Duration> DRAIN_DELAY = Key.of(
            "drainDelay",
            Shape.durationOrNone(),
            "0s",
            "How long calls are still taken, while /readyz says 503, once the process is told to stop: what a load"
                    + " balancer needs to notice.");
    private static final Key<Duration> DRAIN_TIMEOUT = Key.of(
            "drainTimeout",
            Shape.duration(),
            "25s",
            "How long calls under way may take to finish once the process is told to stop.");
    private static final Key<Integer> MAX_CONNECTIONS =
            Key.of("maxConnections", Shape.integer(1, 1_000_000), "16384", "Most connections open at once.");
    private static final Section<Server> SERVER_SECTION = new Section<>(
            List.of(
                    HOST,
                    PORT,
                    TLS,
                    PUBLIC_URL,
                    ALLOWED_HOSTS,
                    ALLOWED_ORIGINS,
                    ALLOW,
                    CORS,
                    MAX_BODY,
                    IDLE_TIMEOUT,
                    BODY_TIMEOUT,
                    DRAIN_DELAY,
                    DRAIN_TIMEOUT,
                    MAX_CONNECTIONS),
            f -> Optional.of(new Server(
                    f.value(HOST),
                    f.value(PORT),
                    f.find(TLS),
                    f.find(PUBLIC_URL).map(url -> url.toString().replaceAll("/+$", "")),
                    f.value(ALLOWED_HOSTS),
                    f.value(ALLOWED_ORIGINS),
                    f.value(ALLOW),
                    f.section(CORS).orElse(List.of()),
                    f.value(MAX_BODY),
                    f.value(IDLE_TIMEOUT),
                    f.value(BODY_TIMEOUT),
                    f.value(DRAIN_DELAY),
                    f.value(DRAIN_TIMEOUT),
                    f.value(MAX_CONNECTIONS))));

    private static final Key<String> TOKEN_NAME =
            Key.optional("name", Shape.word(), "required", "What callers with this token are called in logs.");
    private static final Key<String> TOKEN_VALUE =
            Key.optional("value", Shape.text(), "required", "The token, best given as ${VAR} or ${file:path}.");
    private static final Key<Boolean> TOKEN_MANAGES =
            Key.of("manage", Shape.flag(), "true", "Whether it also opens the management API.");
    static final Section<NamedToken> TOKEN_SECTION =
            new Section<>(List.of(TOKEN_NAME, TOKEN_VALUE, TOKEN_MANAGES), f -> {
                boolean manages = f.value(TOKEN_MANAGES);
                Optional<String> name = required(f, TOKEN_NAME);
                Optional<String> value = required(f, TOKEN_VALUE);
                return name.flatMap(n -> value.flatMap(v -> AuthKeys.token(n, v, manages, f.at(TOKEN_VALUE), f.in())));
            });
    static final Key<String> TOKEN = Key.optional(
            "token",
            Shape.text(),
            "none",
            "A bearer token every call must carry; its callers are named 'default'. Best given as ${VAR} or"
                    + " ${file:path}.",
            "MCP_BEARER_TOKEN",
            "MCP_SERVER_AUTH_TOKEN");
    static final Key<List<NamedToken>> TOKENS = Key.listOf(
            "tokens", TOKEN_SECTION, "none", "Several bearer tokens with names, all valid at once, for rotation.");
    static final Key<Path> TOKENS_FILE = Key.optional(
            "tokensFile",
            Shape.file(),
            "none",
            "A file of bearer tokens, one a line, each alone, as 'name token', or as 'name token call' for one that"
                    + " may not manage; read again when it changes.");
    private static final Section<Auth> AUTH_SECTION =
            new Section<>(List.of(TOKEN, TOKENS, TOKENS_FILE), AuthKeys::auth);

    private static final Key<Boolean> SESSIONLESS = Key.of(
            "sessionless",
            Shape.flag(),
            "true",
            "Answer legacy requests that come without 'initialize', as a bare curl sends them.");
    private static final Section<Boolean> LEGACY_SECTION =
            new Section<>(List.of(SESSIONLESS), f -> Optional.of(f.value(SESSIONLESS)));

    private static final Key<Duration> PATIENCE = Key.of(
            "patience",
            Shape.duration(),
            "5m",
            "How long a call that was answered with a question waits for its client to come back.");
    private static final Key<Integer> PARKED_PER_CALLER =
            Key.of("perCaller", Shape.integer(0, 100_000), "64", "Most calls of one caller that wait at a time.");
    private static final Key<Integer> PARKED_TOTAL =
            Key.of("total", Shape.integer(0, 1_000_000), "2000", "Most calls that wait at a time.");
    private static final Section<ParkingSettings> PARKING_SECTION = new Section<>(
            List.of(PATIENCE, PARKED_PER_CALLER, PARKED_TOTAL),
            f -> Optional.of(
                    new ParkingSettings(f.value(PATIENCE), f.value(PARKED_PER_CALLER), f.value(PARKED_TOTAL))));

    private static final Key<Boolean> AGGREGATE = Key.of(
            "aggregate",
            Shape.flag(),
            "true",
            "Show the gateway's own tools on /mcp to callers with management rights.",
            "ENABLE_MCP_SYSTEM");
    private static final Section<Boolean> GATEWAY_SECTION =
            new Section<>(List.of(AGGREGATE), f -> Optional.of(f.value(AGGREGATE)));

    private static final Key<List<String>> ALLOW_PRIVATE = Key.listOf(
            "allowPrivate",
            Shape.addressRange(),
            "none",
            "Private ranges that backends registered through the API may name while the gateway listens beyond"
                    + " loopback.");
    private static final Section<Egress> EGRESS_SECTION =
            new Section<>(List.of(ALLOW_PRIVATE), f -> Optional.of(new Egress(f.value(ALLOW_PRIVATE))));

    private static final Key<Integer> MAX_BACKENDS = Key.of(
            "maxBackends",
            Shape.integer(0, 100_000),
            "1000",
            "Most backends that POST /register may have added; those of the file do not count.");
    private static final Key<Duration> CLIENTS_IDLE = Key.of(
            "idleTimeout",
            Shape.duration(),
            "30m",
            "How long a client of POST /mcp/connect stays that nobody uses; any call with its client_id counts.");
    private static final Section<Duration> CLIENTS_SECTION =
            new Section<>(List.of(CLIENTS_IDLE), f -> Optional.of(f.value(CLIENTS_IDLE)));

    private static final Section<Integer> REGISTRATION_SECTION =
            new Section<>(List.of(MAX_BACKENDS), f -> Optional.of(f.value(MAX_BACKENDS)));

    private static final Key<Log.Level> LOG_LEVEL =
            Key.of("level", Shape.choice(lowerCase(Log.Level.values())), "info", "Least severe line to write.");
    private static final Key<Log.Format> LOG_FORMAT = Key.of(
            "format",
            Shape.choice(lowerCase(Log.Format.values())),
            "auto",
            "Text, JSON, or text on a terminal and JSON elsewhere.");
    private static final Key<Path> LOG_FILE =
            Key.optional("file", Shape.newFile(), "none", "A file to write to as well.");
    private static final Section<Log> LOG_SECTION = new Section<>(
            List.of(LOG_LEVEL, LOG_FORMAT, LOG_FILE),
            f -> Optional.of(new Log(f.value(LOG_LEVEL), f.value(LOG_FORMAT), f.find(LOG_FILE))));

    private static final Key<Server> SERVER =
            Key.section("server", SERVER_SECTION, "Where and how the gateway listens.");
    private static final Key<Auth> AUTH = Key.section("auth", AUTH_SECTION, "Who may call.");
    private static final Key<List<RootKey>> SECRET_KEY = Key.optional(
            "secretKey",
            AuthKeys.SECRET_KEYS,
            "a random one for each start",
            "The key that seals session ids, as ${file:path} or ${VAR}: 32 bytes, raw, base64 or hexadecimal. A list"
                    + " of two accepts the previous key as well. All replicas share it.");
    private static final Key<String> REDIS_URL = Key.optional(
            "url",
            Shape.text(),
            "none: one replica",
            "The Redis that replicas share: redis://, rediss://, redis-sentinel:// or redis-cluster://, with user and"
                    + " password. Needs a secretKey.",
            "REDIS_URL");
    private static final Key<String> CLUSTER = Key.of(
            "cluster",
            Shape.word(),
            "sluice",
            "Tells gateways apart that use the same Redis; the same for all replicas of one.");
    private static final Key<Path> SNAPSHOT = Key.optional(
            "snapshot",
            Shape.newFile(),
            "none",
            "A file of this replica's own for what it knows of the shared registry, sealed with the secretKey, so that it"
                    + " can start while Redis is away.");
    private static final Key<Boolean> WRITE_BACK = Key.of(
            "writeBack",
            Shape.flag(),
            "true",
            "Whether replicas write what they know back to a Redis that comes back empty or older. Otherwise they serve"
                    + " on and take no changes until somebody restarts them.");
    private static final Key<Integer> CONFIRMATIONS = Key.of(
            "confirmations",
            Shape.integer(0, 16),
            "0",
            "How many of Redis' own replicas must have a change of the registry before it is acknowledged. With 1 or more"
                    + " no acknowledged change is lost with the primary; while they are away nothing is acknowledged.");
    private static final Section<Redis> REDIS_SECTION = new Section<>(
            List.of(REDIS_URL, CLUSTER, SNAPSHOT, WRITE_BACK, CONFIRMATIONS),
            f -> Optional.of(new Redis(
                    f.find(REDIS_URL),
                    f.value(CLUSTER),
                    f.find(SNAPSHOT),
                    f.value(WRITE_BACK),
                    f.value(CONFIRMATIONS))));
    private static final Key<Redis> REDIS = Key.section("redis", REDIS_SECTION, "What replicas share.");
    private static final Key<Boolean> LEGACY =
            Key.section("legacy", LEGACY_SECTION, "The protocol revisions before 2026-07-28.");
    private static final Key<ParkingSettings> PARKING = Key.section(
            "parking",
            PARKING_SECTION,
            "Calls of clients of 2026-07-28 to backends of earlier revisions that asked something and wait for the answer.");
    private static final Key<Names> NAMES = Key.of(
            "names",
            Shape.choice(lowerCase(Names.values())),
            "bare",
            "How tools are listed on /mcp: bare names while they are unique, or always qualified as backend__name.");
    private static final Key<Boolean> GATEWAY = Key.section("gateway", GATEWAY_SECTION, "The gateway's own tools.");
    private static final Key<Egress> EGRESS = Key.section("egress", EGRESS_SECTION, "Where calls may go.");
    private static final Key<List<String>> STDIO_ALLOW = Key.listOf(
            "allow",
            Shape.text(),
            "none",
            "Command lines that the management API may start as backends, word by word; '*' stands for any characters"
                    + " of a word, and as the last word for any further ones. Programs named in this file need none.");
    private static final Section<List<String>> STDIO_SECTION =
            new Section<>(List.of(STDIO_ALLOW), f -> Optional.of(f.value(STDIO_ALLOW)));
    private static final Key<List<String>> STDIO = Key.section("stdio", STDIO_SECTION, "Backends that are programs.");
    private static final Key<Duration> CLIENTS =
            Key.section("clients", CLIENTS_SECTION, "Clients that are connected over the API.");
    private static final Key<Integer> REGISTRATION =
            Key.section("registration", REGISTRATION_SECTION, "Backends that come through the API.");
    private static final Key<Log> LOG = Key.section("log", LOG_SECTION, "What is logged, and how.");
    private static final Key<String> ENVIRONMENT =
            Key.of("environment", Shape.word(), "production", "A word for /health to show.", "ENVIRONMENT");
    static final Key<BackendKeys.Declared> BACKENDS = Key.optional(
            "mcpServers",
            BackendKeys.BACKENDS,
            "none",
            "The MCP servers behind the gateway, by name: the form MCP clients use. 'servers', as VS Code calls it,"
                    + " means the same.");

    static final Section<GatewayConfig> TOP = new Section<>(
            List.of(
                    SERVER,
                    AUTH,
                    SECRET_KEY,
                    REDIS,
                    LEGACY,
                    PARKING,
                    NAMES,
                    GATEWAY,
                    EGRESS,
                    STDIO,
                    REGISTRATION,
                    CLIENTS,
                    GuardKeys.LIMITS,
                    GuardKeys.RESILIENCE,
                    OverloadKeys.OVERLOAD,
                    CacheKeys.CACHE,
                    LOG,
                    ENVIRONMENT,
                    BACKENDS),
            Set.of("inputs", "$schema", "globalShortcut", "preferences", "theme", "scale"),
            ConfigKeys::gateway);

    private static Optional<GatewayConfig> gateway(Section.Fields f) {
        Optional<Server> server = f.section(SERVER);
        Optional<Auth> auth = f.section(AUTH);
        List<RootKey> secretKeys = f.find(SECRET_KEY).orElse(List.of());
        Optional<Redis> redis = f.section(REDIS);
        Optional<Boolean> sessionless = f.section(LEGACY);
        Optional<ParkingSettings> parking = f.section(PARKING);
        Names names = f.value(NAMES);
        Optional<Boolean> aggregate = f.section(GATEWAY);
        Optional<Egress> egress = f.section(EGRESS);
        Optional<List<String>> stdioAllow = f.section(STDIO);
        Optional<Integer> maxRegistered = f.section(REGISTRATION);
        Optional<Duration> clientIdle = f.section(CLIENTS);
        Optional<LimitSettings> limits = f.section(GuardKeys.LIMITS);
        List<PolicyRule> resilience = f.value(GuardKeys.RESILIENCE);
        Optional<OverloadSettings> overload = f.section(OverloadKeys.OVERLOAD);
        Optional<CacheSettings> cache = f.section(CacheKeys.CACHE);
        Optional<Log> log = f.section(LOG);
        String environment = f.value(ENVIRONMENT);
        BackendKeys.Declared declared = f.find(BACKENDS).orElse(BackendKeys.Declared.NONE);
        if (server.isEmpty()
                || auth.isEmpty()
                || egress.isEmpty()
                || maxRegistered.isEmpty()
                || clientIdle.isEmpty()
                || log.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new GatewayConfig(
                server.get(),
                auth.get(),
                secretKeys,
                redis.orElse(Redis.NONE),
                sessionless.orElse(true),
                parking.orElse(ParkingSettings.DEFAULT),
                names,
                aggregate.orElse(true),
                egress.get(),
                stdioAllow.orElse(List.of()),
                maxRegistered.get(),
                clientIdle.get(),
                limits.orElse(LimitSettings.NONE),
                resilience,
                overload.orElse(OverloadSettings.STANDARD),
                cache.orElse(CacheSettings.STANDARD),
                log.get(),
                environment,
                declared.backends()));
    }

    /** A key that one variable or flag can give, with where it stands. */
    record Scalar(List<String> path, Key<?> key) {
        String dotted() {
            return String.join(".", path);
        }

        /** {@code SLUICE_SERVER_MAX_BODY} for {@code server.maxBody}. */
        String variable() {
            return "SLUICE_"
                    + dotted().replaceAll("([a-z])([A-Z])", "$1_$2")
                            .replace('.', '_')
                            .toUpperCase(java.util.Locale.ROOT);
        }
    }

    /** Every key outside the backends that one text can give, in the order of the file. */
    static List<Scalar> scalars() {
        List<Scalar> found = new ArrayList<>();
        collect(TOP, List.of(), found);
        return found;
    }

    private static void collect(Section<?> section, List<String> at, List<Scalar> found) {
        for (Key<?> key : section.keys()) {
            List<String> path = new ArrayList<>(at);
            path.add(key.name());
            if (key.shape() instanceof Section<?> inner) {
                collect(inner, path, found);
            } else if (key.shape().scalar()) {
                found.add(new Scalar(path, key));
            }
        }
    }

    /** Every key, dotted, those of a backend as {@code mcpServers.*.url}. */
    static List<String> allPaths() {
        List<String> paths = new ArrayList<>();
        paths("", TOP, paths);
        paths("mcpServers.*.", BackendKeys.BACKEND, paths);
        paths("mcpServers.*.endpoints.", EndpointKeys.ENDPOINT, paths);
        paths("auth.tokens.", TOKEN_SECTION, paths);
        paths("limits.rates.", GuardKeys.RATE, paths);
        paths("limits.deadlines.", GuardKeys.DEADLINE, paths);
        paths("resilience.", GuardKeys.POLICY, paths);
        paths("cache.tools.", CacheKeys.RULE, paths);
        return paths;
    }

    private static void paths(String prefix, Section<?> section, List<String> paths) {
        for (Key<?> key : section.keys()) {
            paths.add(prefix + key.name());
            if (key.shape() instanceof Section<?> inner) {
                paths(prefix + key.name() + ".", inner, paths);
            }
        }
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /** Where a key of about this name stands, for somebody who wrote it in the wrong place. */
    static Optional<String> elsewhere(String name) {
        List<String> paths = allPaths();
        return Suggestion.closest(name, paths.stream().map(ConfigKeys::last).toList())
                .flatMap(found ->
                        paths.stream().filter(path -> last(path).equals(found)).findFirst());
    }

    static <T> Optional<T> required(Section.Fields f, Key<T> key) {
        if (f.node(key).isEmpty()) {
            f.in().fault(f.at(), f.path() + ": '" + key.name() + "' is missing");
            return Optional.empty();
        }
        return f.find(key);
    }

    private static <E extends Enum<E>> Map<String, E> lowerCase(E[] values) {
        Map<String, E> words = new LinkedHashMap<>();
        for (E value : values) {
            words.put(value.name().toLowerCase(java.util.Locale.ROOT), value);
        }
        return words;
    }
}
