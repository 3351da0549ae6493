package io.sluice.catalog;

import static io.sluice.catalog.Fleet.JSON;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What is left of a promise is read from the clock when it is told. */
class FreshnessTest {
    private static final byte[] HEAD = "{\"result\":".getBytes(UTF_8);
    private static final byte[] TAIL = "}".getBytes(UTF_8);

    private long now = TimeUnit.DAYS.toNanos(-1);
    private final Freshness freshness = new Freshness(() -> now);

    private Catalog catalog(Catalog previous, Freshness of) {
        Contribution told = Fleet.backend("a", 1).tools("t").contribution();
        return Catalog.build(
                List.of(new Contribution(told.registration(), told.listing(), Optional.empty(), of)),
                previous,
                CatalogSettings.DEFAULT);
    }

    private static JsonNode tools(Catalog catalog, ProtocolVersion version) {
        return JSON.readTree(
                        catalog.aggregate().list(McpMethod.TOOLS_LIST, version).between(HEAD, TAIL))
                .path("result");
    }

    private static long left(Catalog catalog) {
        return tools(catalog, ProtocolVersion.LATEST_MODERN).path("ttlMs").asLong(-1);
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    @Test
    void lifeRunsDownToNothingAndStaysThere() {
        Catalog catalog = catalog(Catalog.EMPTY, freshness);
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(45));

        assertThat(left(catalog)).isEqualTo(45_000);
        pass(Duration.ofMillis(44_995));
        assertThat(left(catalog)).isEqualTo(5);
        pass(Duration.ofHours(1));
        assertThat(left(catalog)).isZero();
        assertThat(tools(catalog, ProtocolVersion.LATEST_MODERN)
                        .path("cacheScope")
                        .asString())
                .isEqualTo("public");
        assertThat(tools(catalog, ProtocolVersion.LATEST_LEGACY).has("ttlMs")).isFalse();
    }

    @Test
    void noListClaimsALongerLifeThanItsListing() {
        Catalog catalog = catalog(Catalog.EMPTY, freshness);
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofDays(100_000_000));

        assertThat(left(catalog)).isEqualTo(45_000);
    }

    @Test
    void toHearTheSameAgainIsNoNews() {
        Catalog before = catalog(Catalog.EMPTY, freshness);
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(1));
        Catalog after = catalog(before, freshness);

        pass(Duration.ofSeconds(10));
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(20));

        assertThat(after.version()).isEqualTo(before.version());
        assertThat(left(after)).isEqualTo(20_000);
    }

    @Test
    void backendThatIsFollowedAnewBringsItsOwn() {
        Catalog before = catalog(Catalog.EMPTY, freshness);
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(1));
        Freshness another = new Freshness(() -> now);
        another.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(20));

        assertThat(left(catalog(before, another))).isEqualTo(20_000);
    }

    @Test
    void whatIsPromisedOfTheNextListsIsNotSaidOfTheseAndTheRestCarriesOver() {
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(1));
        freshness.renew(McpMethod.DISCOVER, now, Duration.ofSeconds(30));
        Catalog catalog = catalog(Catalog.EMPTY, freshness);
        pass(Duration.ofSeconds(10));

        Freshness next = freshness.successor();
        next.renew(McpMethod.TOOLS_LIST, now, Duration.ofSeconds(20));

        assertThat(left(catalog)).isZero();
        assertThat(left(catalog(catalog, next))).isEqualTo(20_000);
        assertThat(next.leftMillis(McpMethod.DISCOVER)).isEqualTo(20_000);
        assertThat(next.leftMillis(McpMethod.PROMPTS_LIST)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatWasNeverPromisedIsAsTheGatewaySays() {
        freshness.renew(McpMethod.TOOLS_LIST, now, Duration.ZERO);
        Catalog catalog = catalog(Catalog.EMPTY, freshness);
        assertThat(left(catalog)).isZero();

        freshness.forget();

        assertThat(left(catalog)).isEqualTo(45_000);
    }
}
