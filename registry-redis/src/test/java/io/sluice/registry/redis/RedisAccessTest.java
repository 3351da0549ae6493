package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistryStatus.Condition;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How replicas come in: credentials of the URL, TLS, and what they think of the Redis they find. */
final class RedisAccessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String TRUST = "javax.net.ssl.trustStore";
    private static final String TRUST_PASSWORD = "javax.net.ssl.trustStorePassword";

    private final RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        System.clearProperty(TRUST);
        System.clearProperty(TRUST_PASSWORD);
        redis.close();
    }

    @Test
    void userOfTheUrlWhoMayDoNoMoreThanTheRegistryNeedsIsEnough() {
        assertThat(redis.ask(
                        "ACL SETUSER sluice on >s3cret ~{sluice:access}:* &{sluice:access}:* +@all -@dangerous +info"))
                .startsWith("+OK");
        redis.ask("ACL SETUSER default off");

        RedisSettings settings = at("redis://sluice:s3cret@127.0.0.1:" + redis.port());
        try (Replicas replicas = new Replicas(settings)) {
            RedisRegistry one = replicas.open();
            RedisRegistry two = replicas.open();
            put(one);
            await().atMost(PATIENCE)
                    .until(() -> two.snapshot().records(RecordKind.NAME).containsKey("key"));
        }
    }

    @Test
    void wrongPasswordIsSaidAndNotShown() {
        redis.ask("ACL SETUSER sluice on >s3cret ~* &* +@all");

        try (Replicas replicas = new Replicas(at("redis://sluice:wr0ng@127.0.0.1:" + redis.port()))) {
            RedisRegistry one = replicas.open(Replicas.quick());
            await().atMost(PATIENCE).until(() -> one.status().detail().contains("WRONGPASS"));
            assertThat(one.status().condition()).isNotEqualTo(Condition.CURRENT);
            assertThat(one.status().detail()).doesNotContain("wr0ng");
        }
    }

    @Test
    void certificateOfAnAuthorityThatTheJvmTrustsIsAcceptedAndNoOther() throws Exception {
        X509Bundle authority = new CertificateBuilder()
                .subject("CN=authority of a test")
                .ecp256()
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        X509Bundle leaf = new CertificateBuilder()
                .subject("CN=localhost")
                .ecp256()
                .addSanDnsName("localhost")
                .addExtendedKeyUsageServerAuth()
                .buildIssuedBy(authority);
        try (SSLServerSocket listener = tls(leaf)) {
            RedisSettings settings = at("rediss://localhost:" + listener.getLocalPort());
            try (Replicas replicas = new Replicas(settings)) {
                RedisRegistry one = replicas.open(Replicas.quick());
                await().atMost(PATIENCE).until(() -> one.status().detail().contains("certification path"));
                assertThat(one.status().condition()).isNotEqualTo(Condition.CURRENT);
            }
            trust(authority);
            try (Replicas replicas = new Replicas(settings)) {
                put(replicas.open());
            }
        }
    }

    @Test
    void redisThatMayLoseWhatItAcknowledgedIsWarnedOf() {
        RedisConnections connections = RedisConnections.open(at(redis.url()));
        await().atMost(PATIENCE).until(connections::isUp);
        assertThat(BootCheck.warnings(connections).block(PATIENCE)).isEmpty();

        redis.ask("CONFIG SET appendfsync everysec");
        redis.ask("CONFIG SET maxmemory-policy allkeys-lru");
        assertThat(BootCheck.warnings(connections).block(PATIENCE))
                .hasSize(2)
                .anyMatch(warning -> warning.contains("maxmemory-policy is 'allkeys-lru'"))
                .anyMatch(warning -> warning.contains("appendfsync is 'everysec'"));

        redis.ask("CONFIG SET appendonly no");
        assertThat(BootCheck.warnings(connections).block(PATIENCE))
                .anyMatch(warning -> warning.contains("no append-only file"));
        assertThat(BootCheck.warnings(Map.of("redis_version", "6.2.6"))).hasSize(1);
        connections.close().block(PATIENCE);
    }

    private static RedisSettings at(String url) {
        return RedisSettings.of(url, "access");
    }

    private static void put(RedisRegistry registry) {
        assertThat(registry.put(RecordKind.NAME, "key", RawJson.of("1"), Change.any())
                        .block(PATIENCE))
                .isNotNull();
    }

    /** What connects here by TLS is connected with Redis. */
    private SSLServerSocket tls(X509Bundle leaf) throws Exception {
        KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
        own.load(null);
        own.setKeyEntry("own", leaf.getKeyPair().getPrivate(), new char[0], leaf.getCertificatePath());
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket listener = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(() -> {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), redis.port());
                start(() -> copy(client, server));
                start(() -> copy(server, client));
            }
        });
        return listener;
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        // closed
                    }
                },
                "tls-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private static void copy(Socket from, Socket to) throws IOException {
        try (from;
                to) {
            byte[] buffer = new byte[8192];
            OutputStream out = to.getOutputStream();
            for (int read = from.getInputStream().read(buffer);
                    read >= 0;
                    read = from.getInputStream().read(buffer)) {
                out.write(buffer, 0, read);
                out.flush();
            }
        }
    }

    private void trust(X509Bundle authority) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        trusted.setCertificateEntry("authority", authority.getCertificate());
        Path file = folder.resolve("trusted");
        try (OutputStream out = Files.newOutputStream(file)) {
            trusted.store(out, "changeit".toCharArray());
        }
        System.setProperty(TRUST, file.toString());
        System.setProperty(TRUST_PASSWORD, "changeit");
    }
}
