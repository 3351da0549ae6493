package io.sluice.catalog;

import static io.sluice.catalog.Fleet.after;
import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.catalog;
import static io.sluice.catalog.Fleet.listed;
import static io.sluice.protocol.McpMethod.RESOURCES_LIST;
import static io.sluice.protocol.McpMethod.RESOURCE_TEMPLATES_LIST;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import org.junit.jupiter.api.Test;

class ResourceTest {
    @Test
    void uniqueUrisAreUntouched() {
        Catalog catalog = catalog(
                backend("a", 1).resources("file:///x", "git+https://host/x"),
                backend("b", 2).resources("file:///y"));

        assertThat(listed(catalog.aggregate(), RESOURCES_LIST))
                .containsExactly("file:///x", "git+https://host/x", "file:///y");
        assertLeads(catalog, "git+https://host/x", "a", "git+https://host/x");
    }

    @Test
    void collidingUriOfTheNewcomerGetsItsBackendBeforeTheScheme() {
        Catalog catalog =
                catalog(backend("a", 1).resources("file:///x"), backend("b", 2).resources("file:///x"));

        assertThat(listed(catalog.aggregate(), RESOURCES_LIST)).containsExactly("file:///x", "b+file:///x");
        assertLeads(catalog, "file:///x", "a", "file:///x");
        assertLeads(catalog, "b+file:///x", "b", "file:///x");
        assertThat(catalog.aggregate().exposedUri("b", "file:///x")).isEqualTo("b+file:///x");
        assertThat(catalog.aggregate().exposedUri("a", "file:///x")).isEqualTo("file:///x");
    }

    @Test
    void qualifiedFormOfAnyUriIsUnderstood() {
        Catalog catalog = catalog(backend("a", 1).resources("file:///x").templates("db://{table}/row"));

        assertLeads(catalog, "a+file:///x", "a", "file:///x");
        assertLeads(catalog, "a+db://t/row", "a", "db://t/row");
        assertThat(catalog.aggregate().resource("b+file:///x")).isEmpty();
        assertThat(catalog.aggregate().resource("file:///unheard")).isEmpty();
    }

    @Test
    void unlistedResourceOfABackendIsReachedWhereNothingElseCanBeMeant() {
        Catalog catalog =
                catalog(backend("a", 1).resources("file:///x"), backend("b", 2).resources("file:///x"));

        assertThat(catalog.mount("a").orElseThrow().resource("file:///hidden")).hasValueSatisfying(target -> {
            assertThat(target.backend()).isEqualTo("a");
            assertThat(target.originalName()).isEqualTo("file:///hidden");
        });
        assertLeads(catalog, "b+file:///hidden", "b", "file:///hidden");
        assertThat(catalog.aggregate().exposedUri("b", "file:///hidden")).isEqualTo("b+file:///hidden");
    }

    @Test
    void templateAnswersForWhatItMatches() {
        Catalog catalog = catalog(backend("a", 1).templates("test://template/{id}/data"));

        assertLeads(catalog, "test://template/7/data", "a", "test://template/7/data");
        assertThat(catalog.aggregate().resource("test://template/7/8/data")).isEmpty();
        assertThat(catalog.aggregate().resourceTemplate("test://template/{id}/data"))
                .hasValueSatisfying(target -> assertThat(target.backend()).isEqualTo("a"));
    }

    @Test
    void exactUriComesBeforeTemplates() {
        Catalog catalog =
                catalog(backend("a", 1).resources("file:///x"), backend("b", 2).templates("file:///{name}"));

        assertLeads(catalog, "file:///x", "a", "file:///x");
        assertLeads(catalog, "file:///y", "b", "file:///y");
    }

    @Test
    void collidingTemplateIsQualifiedAndItsExpansionsLeadToTheNewcomer() {
        Catalog catalog = catalog(
                backend("a", 1).templates("file:///{n}"), backend("b", 2).templates("file:///{n}"));

        assertThat(listed(catalog.aggregate(), RESOURCE_TEMPLATES_LIST))
                .containsExactly("file:///{n}", "b+file:///{n}");
        assertLeads(catalog, "b+file:///x", "b", "file:///x");
        assertLeads(catalog, "file:///x", "a", "file:///x");
        assertThat(catalog.aggregate().resourceTemplate("b+file:///{n}"))
                .hasValueSatisfying(target -> assertThat(target.originalName()).isEqualTo("file:///{n}"));
        assertThat(catalog.aggregate().exposedUri("b", "file:///x")).isEqualTo("b+file:///x");
    }

    @Test
    void newcomerCannotTakeUrisOutOfAnothersTemplate() {
        Catalog before = catalog(backend("a", 1).templates("file:///{n}"));
        Catalog later = after(
                before,
                backend("a", 1).templates("file:///{n}"),
                backend("b", 2).resources("file:///secret").templates("file:///s{n}"));

        assertThat(listed(later.aggregate(), RESOURCES_LIST)).containsExactly("b+file:///secret");
        assertLeads(later, "file:///secret", "a", "file:///secret");
        assertLeads(later, "b+file:///secret", "b", "file:///secret");
    }

    @Test
    void templateThatAnOlderBackendAddsLaterComesAfterTheOneInUse() {
        Catalog before = catalog(backend("old", 1), backend("new", 2).templates("file:///a/{n}"));
        Catalog later = after(
                before,
                backend("old", 1).templates("file:///{+n}"),
                backend("new", 2).templates("file:///a/{n}"));

        assertLeads(later, "file:///a/x", "new", "file:///a/x");
        assertLeads(later, "file:///b/x", "old", "file:///b/x");
    }

    @Test
    void templateForAnySchemeComesLastAndClaimsNothing() {
        Catalog catalog = catalog(
                backend("greedy", 1).templates("{+uri}"),
                backend("a", 2).resources("file:///x"),
                backend("b", 3).resources("file:///x").templates("db://{t}"));

        assertThat(listed(catalog.aggregate(), RESOURCES_LIST)).containsExactly("file:///x", "b+file:///x");
        assertLeads(catalog, "a+file:///x", "a", "file:///x");
        assertLeads(catalog, "db://t", "b", "db://t");
        assertLeads(catalog, "other://t", "greedy", "other://t");
    }

    @Test
    void resourceCannotPoseAsTheQualifiedFormOfAnother() {
        Catalog catalog = catalog(
                backend("evil", 1).resources("bank+file:///x").templates("bank+file:///{n}"),
                backend("bank", 2).resources("file:///x"));

        assertThat(listed(catalog.aggregate(), RESOURCES_LIST)).containsExactly("evil+bank+file:///x", "file:///x");
        assertLeads(catalog, "bank+file:///x", "bank", "file:///x");
        assertLeads(catalog, "bank+file:///y", "bank", "file:///y");
        assertLeads(catalog, "evil+bank+file:///x", "evil", "bank+file:///x");
    }

    @Test
    void uriExposedBeforeABackendCameStaysWithItsOwner() {
        Catalog before = catalog(backend("a", 1).resources("git+https://x"));
        Catalog later = after(
                before,
                backend("a", 1).resources("git+https://x", "https://x"),
                backend("git", 2).resources("https://x"));

        assertLeads(later, "git+https://x", "a", "git+https://x");
        assertThat(listed(later.aggregate(), RESOURCES_LIST))
                .containsExactly("git+https://x", "https://x", "git+git+https://x");
        assertLeads(later, "git+git+https://x", "git", "https://x");
    }

    @Test
    void appsKeepTheirSchemeAndToolsFollowTheirApp() {
        String tool = "{\"_meta\":{\"ui\":{\"resourceUri\":\"ui://w\"},\"ui/resourceUri\":\"ui://w\"},\"name\":\"%s\"}";
        Catalog catalog = catalog(
                backend("a", 1).tool("x", tool.formatted("x")).resources("ui://w"),
                backend("b", 2).tool("x", tool.formatted("x")).resources("ui://w"),
                backend("c", 3).tool("z", tool.formatted("z")).tool("zz", tool.formatted("zz")));

        String tools = Fleet.text(catalog.aggregate()
                .list(McpMethod.TOOLS_LIST, ProtocolVersion.V2025_11_25)
                .bytes());
        assertThat(tools)
                .contains(tool.formatted("x"))
                .contains(tool.formatted("b__x").replace("ui://w", "ui://b+w"))
                .contains(tool.formatted("z").replace("ui://w", "ui://c+w"))
                .contains(tool.formatted("zz").replace("ui://w", "ui://c+w"));
        assertThat(listed(catalog.aggregate(), RESOURCES_LIST)).containsExactly("ui://w", "ui://b+w");
        assertLeads(catalog, "ui://w", "a", "ui://w");
        assertLeads(catalog, "ui://b+w", "b", "ui://w");
        assertLeads(catalog, "ui://c+w", "c", "ui://w");
    }

    @Test
    void uriThatIsNoTextHarmsNobody() {
        Catalog catalog = catalog(
                backend("a", 1).resources("file:///\ud800"),
                backend("b", 2).resources("file:///\ud800").templates("{", "}{", "file:///{x"));

        assertThat(listed(catalog.aggregate(), RESOURCES_LIST)).containsExactly("file:///\ud800", "b+file:///\ud800");
        assertLeads(catalog, "b+file:///\ud800", "b", "file:///\ud800");
    }

    private static void assertLeads(Catalog catalog, String uri, String backend, String original) {
        assertThat(catalog.aggregate().resource(uri)).hasValueSatisfying(target -> {
            assertThat(target.backend()).isEqualTo(backend);
            assertThat(target.originalName()).isEqualTo(original);
        });
    }
}
