package io.sluice.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What it takes to keep a catalog up to date: counted, as time depends on the machine. */
class CatalogUpkeepTest {
    private static final int BACKENDS = 50;
    private static final int TOOLS = 20;

    private static Fleet backend(int i, int tools) {
        Fleet backend = Fleet.backend("b" + i, i);
        for (int t = 0; t < tools; t++) {
            backend.tools("tool-" + t);
        }
        return backend;
    }

    private static List<Contribution> fleet(int backends) {
        List<Contribution> fleet = new ArrayList<>();
        for (int i = 0; i < backends; i++) {
            fleet.add(backend(i, TOOLS).contribution());
        }
        return fleet;
    }

    private static Catalog after(Catalog previous, List<Contribution> contributions) {
        return Catalog.build(contributions, previous, CatalogSettings.DEFAULT);
    }

    private static List<Offer.Line> lines(Catalog catalog) {
        return lines(ListKind.TOOLS, catalog);
    }

    private static List<Offer.Line> lines(ListKind kind, Catalog catalog) {
        return catalog.aggregate().offer().list(kind, Era.MODERN).lines();
    }

    private static Set<Offer.Line> madeSince(Catalog before, Catalog now) {
        return madeSince(ListKind.TOOLS, before, now);
    }

    private static Set<Offer.Line> madeSince(ListKind kind, Catalog before, Catalog now) {
        Set<Offer.Line> made = Collections.newSetFromMap(new IdentityHashMap<>());
        made.addAll(lines(kind, now));
        lines(kind, before).forEach(made::remove);
        return made;
    }

    private static List<RenderedList> lists(Catalog catalog) {
        List<RenderedList> lists = new ArrayList<>();
        for (Mount mount : catalog.mounts()) {
            for (Era era : Era.values()) {
                for (ListKind kind : ListKind.values()) {
                    lists.add(mount.offer().list(kind, era));
                }
            }
        }
        return lists;
    }

    @Test
    void changedBackendCostsItsOwnLines() {
        List<Contribution> fleet = fleet(BACKENDS);
        Catalog before = after(Catalog.EMPTY, fleet);
        List<Contribution> changed = new ArrayList<>(fleet);
        changed.set(7, backend(7, TOOLS + 1).contribution());
        Catalog now = after(before, changed);

        assertThat(lines(now)).hasSize(BACKENDS * TOOLS + 1);
        assertThat(madeSince(before, now)).hasSize(TOOLS + 1);
        assertThat(now.mount("b8").orElseThrow()).isSameAs(before.mount("b8").orElseThrow());
    }

    @Test
    void backendThatArrivesCostsItsOwnLines() {
        Catalog before = after(Catalog.EMPTY, fleet(BACKENDS));
        Catalog now = after(before, fleet(BACKENDS + 1));

        assertThat(lines(now)).hasSize((BACKENDS + 1) * TOOLS);
        assertThat(madeSince(before, now)).hasSize(TOOLS);
    }

    @Test
    void listsNobodyAsksForAreNotRendered() {
        List<RenderedList> all = new ArrayList<>();
        Catalog catalog = Catalog.EMPTY;
        for (int i = 1; i <= BACKENDS; i++) {
            Catalog next = after(catalog, fleet(i));
            assertThat(next.changesSince(catalog).of("").tools()).isTrue();
            catalog = next;
            all.addAll(lists(catalog));
        }
        byte[] asked = catalog.aggregate()
                .list(McpMethod.TOOLS_LIST, ProtocolVersion.LATEST_MODERN)
                .bytes();

        assertThat(all.stream().filter(RenderedList::isRendered)).hasSize(1);
        assertThat(catalog.aggregate()
                        .list(McpMethod.TOOLS_LIST, ProtocolVersion.LATEST_MODERN)
                        .bytes())
                .isSameAs(asked);
    }

    @Test
    void keepingWhatStayedComesToTheSameAsSettlingAllAnew() {
        compareKeptWithAnew(40, 20, random -> NameClaims.NONE);
    }

    @Test
    void recordedClaimsOfBackendsThatComeLaterComeToTheSameToo() {
        compareKeptWithAnew(20, 2, CatalogUpkeepTest::claims);
    }

    private static void compareKeptWithAnew(int runs, int registrations, Function<Random, NameClaims> claims) {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int run = 0; run < runs; run++) {
            Catalog kept = Catalog.EMPTY;
            Catalog anew = Catalog.EMPTY;
            NameClaims recorded = claims.apply(random);
            Map<String, Contribution> now = new TreeMap<>();
            for (int step = 0; step < 25; step++) {
                change(now, random, registrations);
                List<Contribution> fleet = List.copyOf(now.values());
                kept = Catalog.build(fleet, kept, CatalogSettings.DEFAULT, recorded);
                anew = Catalog.anew(fleet, anew, CatalogSettings.DEFAULT, recorded);

                assertThat(look(kept)).isEqualTo(look(anew));
                assertThat(kept.version()).isEqualTo(anew.version());
            }
        }
    }

    /** Of names that {@link #change} may give to any backend. */
    private static NameClaims claims(Random random) {
        Map<String, NameClaims.Claim> tools = new TreeMap<>();
        Map<String, NameClaims.Claim> prompts = new TreeMap<>();
        for (int i = 0; i < 4; i++) {
            tools.put("t" + i, claim(random));
            tools.put("b" + random.nextInt(6) + "__t" + i, claim(random));
            prompts.put("p" + i, claim(random));
        }
        return new NameClaims(tools, prompts);
    }

    private static NameClaims.Claim claim(Random random) {
        return new NameClaims.Claim("b" + random.nextInt(6), random.nextInt(2));
    }

    @Test
    void moreTemplatesInUseThanMayLieDormantAreKept() {
        String[] templates = new String[Claims.MOST_DORMANT + 10];
        for (int i = 0; i < templates.length; i++) {
            templates[i] = "file:///" + i + "/{x}";
        }
        Contribution many = Fleet.backend("many", 2).templates(templates).contribution();
        Contribution old = Fleet.backend("old", 1).templates(templates[0]).contribution();
        Catalog before = after(Catalog.EMPTY, List.of(Fleet.backend("old", 1).contribution(), many));
        Catalog now = after(before, List.of(old, many));
        Catalog next = after(now, List.of(old, many, backend(3, TOOLS).contribution()));

        assertThat(madeSince(ListKind.RESOURCE_TEMPLATES, before, now))
                .extracting(line -> line.target().exposedName())
                .containsExactly("old+" + templates[0]);
        assertThat(madeSince(ListKind.RESOURCE_TEMPLATES, now, next)).isEmpty();
    }

    private static void change(Map<String, Contribution> now, Random random, int registrations) {
        int which = random.nextInt(6);
        String name = "b" + which;
        if (random.nextInt(5) == 0) {
            now.remove(name);
            return;
        }
        Contribution before = now.get(name);
        long since =
                before != null && random.nextInt(8) > 0 ? before.registration().since() : random.nextInt(registrations);
        Fleet next = Fleet.backend(name, since);
        for (int i = 0; i < random.nextInt(4); i++) {
            next.tools(random.nextBoolean() ? "t" + i : "b" + random.nextInt(6) + "__t" + i);
            next.prompts("p" + random.nextInt(4));
            next.resources((random.nextBoolean() ? "" : "b" + random.nextInt(6) + "+") + "file:///r" + i);
            next.tool(
                    "ui" + i, "{\"name\":\"ui" + i + "\",\"_meta\":{\"ui\":{\"resourceUri\":\"ui://page" + i + "\"}}}");
        }
        if (random.nextInt(3) == 0) {
            next.templates("file:///{x}");
        }
        if (random.nextInt(6) == 0) {
            next.apart();
        }
        if (random.nextInt(8) == 0) {
            next.unreached();
        }
        now.put(name, next.contribution());
    }

    /** All that a client could see, and who owns what. */
    private static List<Object> look(Catalog catalog) {
        List<Object> look = new ArrayList<>();
        for (Mount mount : catalog.mounts()) {
            look.add(mount.name());
            for (Era era : Era.values()) {
                for (ListKind kind : ListKind.values()) {
                    look.add(Fleet.text(mount.offer().list(kind, era).bytes()));
                    look.add(mount.offer().targets(kind));
                }
            }
            for (int i = 0; i < 6; i++) {
                look.add(mount.offer().renamed("b" + i));
                look.add(mount.resource("file:///r" + i));
            }
        }
        look.add(catalog.claims());
        return look;
    }
}
