package io.sluice.catalog;

import static io.sluice.catalog.Fleet.after;
import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.catalog;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CatalogChangesTest {
    @Test
    void changedListIsNamedWithItsMounts() {
        Catalog before =
                catalog(backend("a", 1).tools("x"), backend("b", 2).tools("y").prompts("p"));
        Catalog now = after(
                before,
                backend("a", 1).tools("x"),
                backend("b", 2).tools("y", "z").prompts("p"));

        Changes changes = now.changesSince(before);
        assertThat(changes.mounts()).containsOnlyKeys("", "b");
        assertThat(changes.of("")).isEqualTo(new Changes.Lists(true, false, false));
        assertThat(changes.of("b")).isEqualTo(new Changes.Lists(true, false, false));
        assertThat(changes.of("a").any()).isFalse();
        assertThat(now.version()).isEqualTo(before.version() + 1);
    }

    @Test
    void templatesCountAsResources() {
        Catalog before = catalog(backend("a", 1));

        assertThat(after(before, backend("a", 1).templates("x://{y}"))
                        .changesSince(before)
                        .of("a"))
                .isEqualTo(new Changes.Lists(false, false, true));
        assertThat(after(before, backend("a", 1).resources("x://y"))
                        .changesSince(before)
                        .of(""))
                .isEqualTo(new Changes.Lists(false, false, true));
        assertThat(after(before, backend("a", 1).prompts("y"))
                        .changesSince(before)
                        .of(""))
                .isEqualTo(new Changes.Lists(false, true, false));
    }

    @Test
    void sameContributionsAreNoChange() {
        Catalog before = catalog(backend("a", 1).tools("x"), backend("b", 2).tools("x"));
        Catalog now = after(before, backend("b", 2).tools("x"), backend("a", 1).tools("x"));

        assertThat(now.changesSince(before).isEmpty()).isTrue();
        assertThat(now.version()).isEqualTo(before.version());
        assertThat(bytes(now, "")).isSameAs(bytes(before, ""));
        assertThat(bytes(now, "a")).isSameAs(bytes(before, "a"));
    }

    @Test
    void troubleIsRememberedThoughNothingElseChanges() {
        Contribution well = backend("a", 1).tools("x").contribution();
        Contribution troubled =
                new Contribution(well.registration(), well.listing(), Optional.of("timed out since 12:00"));
        Catalog before = Catalog.build(List.of(well), Catalog.EMPTY, CatalogSettings.DEFAULT);
        Catalog now = Catalog.build(List.of(troubled), before, CatalogSettings.DEFAULT);

        assertThat(now.aggregate().contribution("a")).hasValue(troubled);
        assertThat(now.mount("a").orElseThrow().contribution("a")).hasValue(troubled);
        assertThat(now.version()).isEqualTo(before.version());
        assertThat(now.aggregate().missing()).isEmpty();
    }

    @Test
    void backendThatGoesMissingWithoutListsIsVisibleButChangesNoList() {
        Catalog before = catalog(backend("a", 1).tools("x"), backend("b", 2));
        Catalog now = after(before, backend("a", 1).tools("x"), backend("b", 2).unreached());

        assertThat(now.changesSince(before).isEmpty()).isTrue();
        assertThat(now.version()).isGreaterThan(before.version());
    }

    @Test
    void newMountHasChangedWhereItHasSomething() {
        Catalog now = catalog(backend("a", 1).tools("x"), backend("b", 2));

        assertThat(now.changesSince(Catalog.EMPTY).mounts()).containsOnlyKeys("", "a");
    }

    @Test
    void removedBackendChangesTheAggregate() {
        Catalog before = catalog(backend("a", 1).tools("x"), backend("b", 2).prompts("p"));
        Catalog now = after(before, backend("a", 1).tools("x"));

        assertThat(now.changesSince(before).mounts()).containsOnlyKeys("");
        assertThat(now.changesSince(before).of("")).isEqualTo(new Changes.Lists(false, true, false));
        assertThat(now.mount("b")).isEmpty();
    }

    @Test
    void nameThatChangesHandsIsAChange() {
        Catalog before = catalog(backend("a", 1).tools("x"), backend("b", 2).tools("x"));
        Catalog now = after(before, backend("b", 2).tools("x"), backend("a", 3).tools("x"));

        assertThat(now.aggregate().tool("x").orElseThrow().backend()).isEqualTo("b");
        assertThat(now.version()).isGreaterThan(before.version());
        assertThat(now.changesSince(before).of("").tools()).isTrue();
    }

    @Test
    void otherSettingsAreRenderedAnew() {
        Catalog before = catalog(backend("a", 1).tools("x"));
        CatalogSettings shorter = new CatalogSettings(
                CatalogSettings.Names.BARE, Duration.ofSeconds(1), Duration.ZERO, CatalogSettings.DEFAULT.serverInfo());
        Catalog now = Fleet.build(shorter, before, backend("a", 1).tools("x"));

        assertThat(Fleet.text(bytes(now, "a"))).contains("\"ttlMs\":1000,");
        assertThat(now.changesSince(before).isEmpty()).isTrue();
    }

    @Test
    void mountsAreTheAggregateAndEachBackendInOrderOfPrecedence() {
        Catalog catalog = catalog(backend("a", 2), backend("b", 1));

        assertThat(catalog.mounts()).extracting(Mount::name).containsExactly("", "b", "a");
        assertThat(catalog.mount("c")).isEmpty();
    }

    private static byte[] bytes(Catalog catalog, String mount) {
        return catalog.mount(mount)
                .orElseThrow()
                .list(McpMethod.TOOLS_LIST, ProtocolVersion.LATEST_MODERN)
                .bytes();
    }
}
