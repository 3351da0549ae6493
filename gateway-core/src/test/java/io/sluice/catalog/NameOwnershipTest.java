package io.sluice.catalog;

import static io.sluice.catalog.Fleet.after;
import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.build;
import static io.sluice.catalog.Fleet.catalog;
import static io.sluice.catalog.Fleet.listed;
import static io.sluice.catalog.Fleet.tools;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class NameOwnershipTest {
    private static final CatalogSettings QUALIFIED = new CatalogSettings(
            CatalogSettings.Names.QUALIFIED, Duration.ofSeconds(60), Duration.ZERO, RawJson.of("{}"));

    @Test
    void uniqueNamesStayBare() {
        Catalog catalog =
                catalog(backend("a", 1).tools("x", "y"), backend("b", 2).tools("z"));

        assertThat(tools(catalog)).containsExactly("x", "y", "z");
    }

    @Test
    void newcomerThatCollidesIsListedQualified() {
        Catalog catalog = catalog(
                backend("b", 2).tools("x"),
                backend("a", 3).tools("x"),
                backend("c", 1).tools("x"));

        assertThat(tools(catalog)).containsExactly("x", "b__x", "a__x");
        assertThat(owner(catalog, "x")).isEqualTo("c");
        assertThat(owner(catalog, "b__x")).isEqualTo("b");
        assertThat(catalog.aggregate().tool("a__x")).hasValueSatisfying(target -> {
            assertThat(target.originalName()).isEqualTo("x");
            assertThat(target.exposedName()).isEqualTo("a__x");
        });
    }

    @Test
    void qualifiedFormOfABareToolIsUnderstood() {
        Catalog catalog = catalog(backend("a", 1).tools("x"));

        assertThat(catalog.aggregate().tool("a__x"))
                .isEqualTo(catalog.aggregate().tool("x"))
                .isPresent();
        assertThat(catalog.aggregate().tool("b__x")).isEmpty();
        assertThat(catalog.aggregate().tool("a__y")).isEmpty();
        assertThat(catalog.mount("a").orElseThrow().tool("a__x")).isEmpty();
    }

    @Test
    void nameIsNotTakenOverByAnOlderBackendThatAddsItLater() {
        Catalog first = catalog(backend("old", 1).tools("x"), backend("new", 2).tools("y"));
        Catalog second = after(
                first, backend("old", 1).tools("x", "y"), backend("new", 2).tools("y"));

        assertThat(owner(second, "y")).isEqualTo("new");
        assertThat(tools(second)).containsExactly("x", "old__y", "y");
    }

    @Test
    void recordedNamesAreNotTakenOverAfterARestartEither() {
        Fleet[] backends = {backend("old", 1).tools("x", "y"), backend("new", 2).tools("y")};
        NameClaims recorded = after(
                        catalog(backend("old", 1).tools("x"), backend("new", 2).tools("y")), backends)
                .claims();

        Catalog restarted = recorded(recorded, backends);
        Catalog replaced = recorded(
                recorded, backend("old", 1).tools("x", "y"), backend("new", 3).tools("y"));

        assertThat(tools(restarted)).containsExactly("x", "old__y", "y");
        assertThat(restarted.claims()).isEqualTo(recorded);
        assertThat(owner(replaced, "y")).as("a later registration of that name").isEqualTo("old");
    }

    @Test
    void whatIsRecordedComesBeforeWhatThisReplicaSawFirst() {
        Catalog here = catalog(backend("a", 1).tools("x"), backend("b", 2).tools("x"));
        NameClaims agreed = new NameClaims(Map.of("x", new NameClaims.Claim("b", 2)), Map.of());

        Catalog next = Catalog.build(
                List.of(
                        backend("a", 1).tools("x").contribution(),
                        backend("b", 2).tools("x").contribution()),
                here,
                CatalogSettings.DEFAULT,
                agreed);

        assertThat(owner(next, "x")).isEqualTo("b");
        assertThat(tools(next)).containsExactly("a__x", "x");
    }

    @Test
    void recordedNameIsGivenBackWhenItsBackendComesAfterAnotherOneListedIt() {
        NameClaims recorded = new NameClaims(Map.of("x", new NameClaims.Claim("b", 2)), Map.of());
        Contribution early = backend("a", 1).tools("x").contribution();
        Contribution late = backend("b", 2).tools("x").contribution();

        Catalog alone = Catalog.build(List.of(early), Catalog.EMPTY, CatalogSettings.DEFAULT, recorded);
        Catalog both = Catalog.build(List.of(early, late), alone, CatalogSettings.DEFAULT, recorded);

        assertThat(tools(alone)).containsExactly("x");
        assertThat(tools(both)).containsExactly("a__x", "x");
        assertThat(owner(both, "x")).isEqualTo("b");
        assertThat(owner(both, "a__x")).isEqualTo("a");
    }

    @Test
    void fileThatIsNumberedAnewKeepsItsNames() {
        NameClaims recorded = new NameClaims(Map.of("x", new NameClaims.Claim("second", -7)), Map.of());

        Catalog restarted = recorded(
                recorded, backend("first", -9).tools("x"), backend("second", -8).tools("x"));

        assertThat(owner(restarted, "x")).isEqualTo("second");
    }

    private static Catalog recorded(NameClaims recorded, Fleet... backends) {
        return Catalog.build(
                Stream.of(backends).map(Fleet::contribution).toList(),
                Catalog.EMPTY,
                CatalogSettings.DEFAULT,
                recorded);
    }

    @Test
    void nameStaysOwnedWhileItsBackendDoesNotListIt() {
        Catalog first = catalog(backend("a", 1).tools("x"), backend("b", 2));
        Catalog absent =
                after(first, backend("a", 1).unreached(), backend("b", 2).tools("x"));
        Catalog back = after(absent, backend("a", 1).tools("x"), backend("b", 2).tools("x"));

        assertThat(tools(absent)).containsExactly("b__x");
        assertThat(absent.aggregate().tool("x")).isEmpty();
        assertThat(owner(back, "x")).isEqualTo("a");
    }

    @Test
    void nameOfARemovedBackendIsFreeAgain() {
        Catalog both = catalog(backend("a", 1).tools("x"), backend("b", 2).tools("x"));
        Catalog removed = after(both, backend("b", 2).tools("x"));
        Catalog again =
                after(removed, backend("a", 3).tools("x"), backend("b", 2).tools("x"));

        assertThat(tools(removed)).containsExactly("x");
        assertThat(removed.aggregate().tool("b__x")).isPresent();
        assertThat(tools(again)).containsExactly("x", "a__x");
        assertThat(owner(again, "x")).isEqualTo("b");
    }

    @Test
    void registrationReplacedBetweenTwoCatalogsLosesItsNames() {
        Catalog both = catalog(backend("a", 1).tools("x"), backend("b", 2).tools("x"));
        Catalog again = after(both, backend("a", 3).tools("x"), backend("b", 2).tools("x"));

        assertThat(owner(again, "x")).isEqualTo("b");
    }

    @Test
    void toolCannotPoseAsTheQualifiedFormOfAnother() {
        Catalog catalog = catalog(
                backend("evil", 1).tools("bank__pay"), backend("bank", 2).tools("pay"));

        assertThat(tools(catalog)).containsExactly("evil__bank__pay", "pay");
        assertThat(owner(catalog, "bank__pay")).isEqualTo("bank");
        assertThat(catalog.aggregate().tool("evil__bank__pay"))
                .hasValueSatisfying(target -> assertThat(target.originalName()).isEqualTo("bank__pay"));
    }

    @Test
    void toolCannotPoseAsABackendThatIsNotThereYet() {
        Catalog before = catalog(backend("evil", 1).tools("bank__pay"));
        Catalog later = after(
                before,
                backend("evil", 1).tools("bank__pay"),
                backend("bank", 2).tools("pay"));

        assertThat(before.aggregate().tool("bank__pay")).isEmpty();
        assertThat(owner(later, "bank__pay")).isEqualTo("bank");
    }

    @Test
    void promptsHaveANameSpaceOfTheirOwn() {
        Catalog catalog = catalog(backend("a", 1).tools("x"), backend("b", 2).prompts("x"));

        assertThat(tools(catalog)).containsExactly("x");
        assertThat(listed(catalog.aggregate(), McpMethod.PROMPTS_LIST)).containsExactly("x");
        assertThat(catalog.aggregate().prompt("x"))
                .hasValueSatisfying(t -> assertThat(t.backend()).isEqualTo("b"));
    }

    @Test
    void everyNameIsQualifiedWhenSoConfigured() {
        Catalog catalog = build(
                QUALIFIED,
                Catalog.EMPTY,
                backend("a", 1).tools("x"),
                backend("b", 2).tools("x", "y"));

        assertThat(tools(catalog)).containsExactly("a__x", "b__x", "b__y");
        assertThat(catalog.aggregate().tool("y")).isEmpty();
        assertThat(listed(catalog.mount("b").orElseThrow(), McpMethod.TOOLS_LIST))
                .containsExactly("x", "y");
    }

    @Test
    void longNameIsCutAndKeepsAStableHash() {
        String name = "n".repeat(70);
        Catalog catalog = catalog(backend("a", 1).tools(name, "n".repeat(71)));

        assertThat(tools(catalog))
                .containsExactly("n".repeat(55) + "_qudj3x2b", "n".repeat(55) + "_dpbgerc5")
                .allMatch(exposed -> exposed.length() == 64);
    }

    @Test
    void foreignCharactersAreReplacedOnTheAggregateAlone() {
        Catalog catalog = catalog(
                backend("a", 1).tools("files.read", "日本"), backend("b", 2).tools("files.read"));

        assertThat(tools(catalog))
                .allMatch(name -> name.matches("[A-Za-z0-9_-]{1,64}"))
                .doesNotHaveDuplicates();
        assertThat(tools(catalog).get(0)).startsWith("files_read_");
        assertThat(tools(catalog).get(2)).startsWith("b__files_read_");
        assertThat(tools(catalog))
                .allSatisfy(name -> assertThat(catalog.aggregate().tool(name)).isPresent());
        assertThat(catalog.aggregate().tool("a__files.read"))
                .isEqualTo(catalog.aggregate().tool(tools(catalog).get(0)));
        assertThat(listed(catalog.mount("a").orElseThrow(), McpMethod.TOOLS_LIST))
                .containsExactly("files.read", "日本");
    }

    @Test
    void shortenedNameDoesNotHideTheToolThatIsSpeltLikeIt() {
        String spelt = ExposedNames.bare("files.read");
        Catalog catalog = catalog(backend("a", 1).tools("files.read", spelt));

        assertThat(tools(catalog)).containsExactly(spelt, "a__" + spelt);
        assertThat(catalog.aggregate().tool("a__" + spelt))
                .hasValueSatisfying(target -> assertThat(target.originalName()).isEqualTo(spelt));
    }

    @Test
    void backendsOfSixtyFourCharactersHaveNamesThatFit() {
        String one = "b".repeat(64);
        String two = "b".repeat(63) + "c";
        Catalog catalog = catalog(
                backend("a", 1).tools("x"),
                backend(one, 2).tools("x"),
                backend(two, 3).tools("x"));

        assertThat(tools(catalog)).hasSize(3).doesNotHaveDuplicates().allMatch(ExposedNames::fits);
        assertThat(owner(catalog, one + "__x")).isEqualTo(one);
        assertThat(owner(catalog, two + "__x")).isEqualTo(two);
    }

    @Test
    void dormantNamesAreBounded() {
        Catalog catalog = Catalog.EMPTY;
        for (int round = 0; round < 30; round++) {
            String[] names = new String[100];
            for (int i = 0; i < names.length; i++) {
                names[i] = "t" + round + "-" + i;
            }
            catalog = after(catalog, backend("a", 1).tools(names));
        }
        Catalog last =
                after(catalog, backend("a", 1).tools("z"), backend("b", 2).tools("t0-0", "t29-99"));

        assertThat(owner(last, "t0-0")).isEqualTo("b");
        assertThat(last.aggregate().tool("t29-99")).isEmpty();
    }

    @Test
    void orderDoesNotDependOnTheOrderOfContributions() {
        List<Contribution> fleet = Stream.of("d", "c", "b", "a")
                .map(name -> backend(name, name.charAt(0) % 2)
                        .tools("x", "y-" + name)
                        .prompts("p")
                        .resources("file:///r")
                        .templates("file:///{t}")
                        .contribution())
                .toList();
        Catalog reference = Catalog.build(fleet, Catalog.EMPTY, CatalogSettings.DEFAULT);
        Random random = new Random(7);
        for (int i = 0; i < 20; i++) {
            List<Contribution> shuffled = new ArrayList<>(fleet);
            java.util.Collections.shuffle(shuffled, random);
            Catalog other = Catalog.build(shuffled, Catalog.EMPTY, CatalogSettings.DEFAULT);

            assertThat(other.changesSince(reference).isEmpty()).isTrue();
            assertThat(Catalog.build(shuffled, reference, CatalogSettings.DEFAULT)
                            .version())
                    .isEqualTo(reference.version());
        }
        assertThat(tools(reference)).containsExactly("x", "y-b", "d__x", "y-d", "a__x", "y-a", "c__x", "y-c");
    }

    @Test
    void backendsApartFromTheAggregateHaveOnlyTheirMount() {
        Catalog catalog =
                catalog(backend("a", 1).tools("x").apart(), backend("b", 2).tools("x"));

        assertThat(tools(catalog)).containsExactly("x");
        assertThat(owner(catalog, "x")).isEqualTo("b");
        assertThat(catalog.aggregate().tool("a__x")).isEmpty();
        assertThat(catalog.mount("a").orElseThrow().tool("x")).isPresent();
    }

    @Test
    void hiddenToolsAreNowhere() {
        Catalog catalog = catalog(backend("a", 1)
                .tools("get_x", "get_y", "drop_x")
                .including("get_*")
                .excluding("*_y"));

        assertThat(tools(catalog)).containsExactly("get_x");
        assertThat(catalog.aggregate().tool("a__drop_x")).isEmpty();
        assertThat(catalog.mount("a").orElseThrow().tool("get_y")).isEmpty();
    }

    private static String owner(Catalog catalog, String tool) {
        return catalog.aggregate().tool(tool).orElseThrow().backend();
    }
}
