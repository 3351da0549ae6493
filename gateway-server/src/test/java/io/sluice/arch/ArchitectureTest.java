package io.sluice.arch;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The rules of the house that a machine can hold, over the main classes of every module that the process is made of.
 */
final class ArchitectureTest {
    /**
     * The packages of gateway-core, lowest first. A package uses the ones before it and never the ones behind it; what
     * is needed from behind is in the wrong place.
     */
    private static final List<String> LADDER = List.of(
            "protocol",
            "rejection",
            "envelope",
            "seal",
            "auth",
            "replica",
            "registry",
            "catalog",
            "egress",
            "adapter",
            "guard",
            "overload",
            "balance",
            "wire",
            "upstream",
            "discovery",
            "session",
            "call",
            "cache",
            "bridge",
            "parking",
            "listener",
            "gateway");

    /** The Redis adapter is a module of its own and bears the name of the port that it implements. */
    private static final String REDIS = "io.sluice.registry.redis..";

    /**
     * Classes of the request path that may build JSON trees, each because what it reads or writes is small and rare.
     */
    private static final Set<String> TREES_ON_THE_PATH = Set.of("io.sluice.gateway.LegacySessions");

    private static final String EMPTY_WORDS = ".*\\.((Abstract|Base|Default|Impl)(?=[A-Z])\\w*"
            + "|\\w*(Impl|Manager|Helper|Util|Utils|Base|Abstract|Common|Data|Info))";

    private static final ImportOption WITHOUT_TESTS =
            location -> !location.contains("/test-classes/") && !location.contains("-tests.jar");

    private static final JavaClasses ALL =
            new ClassFileImporter().withImportOption(WITHOUT_TESTS).importPackages("io.sluice");

    private static final DescribedPredicate<JavaClass> CORE = DescribedPredicate.describe(
            "classes of gateway-core",
            type -> type.getSource().orElseThrow().getUri().toString().contains("gateway-core"));

    @Test
    void everyModuleIsLookedAt() {
        assertThat(ALL.contain("io.sluice.protocol.Era")).isTrue();
        assertThat(ALL.contain("io.sluice.Main")).isTrue();
        assertThat(ALL.contain("io.sluice.registry.redis.package-info")).isTrue();
        assertThat(ALL.that(CORE)).hasSizeGreaterThan(50);
        assertThat(ALL.that(not(CORE))).isNotEmpty();
        assertThat(ALL.contain("io.sluice.testing.WatchedSession")).isFalse();
    }

    @Test
    void everyPackageOfTheCoreStandsOnTheLadder() {
        Set<String> strangers = new TreeSet<>();
        for (JavaClass type : ALL.that(CORE)) {
            String name = type.getPackageName();
            if (!name.equals("io.sluice") && !LADDER.contains(name.split("\\.", -1)[2])) {
                strangers.add(name);
            }
        }
        assertThat(strangers).isEmpty();
    }

    @Test
    void noPackageUsesOneHigherUpTheLadder() {
        for (int rung = 0; rung < LADDER.size() - 1; rung++) {
            List<String> higher = new ArrayList<>();
            LADDER.subList(rung + 1, LADDER.size()).forEach(name -> higher.add("io.sluice." + name + ".."));

            check(noClasses()
                    .that(resideInAnyPackage("io.sluice." + LADDER.get(rung) + ".."))
                    .and(not(resideInAnyPackage(REDIS)))
                    .should()
                    .dependOnClassesThat(resideInAnyPackage(higher.toArray(String[]::new)))
                    .allowEmptyShould(true));
        }
    }

    @Test
    void packagesFormNoCycle() {
        check(slices().matching("io.sluice.(**)").should().beFreeOfCycles());
    }

    @Test
    void coreNeverWaitsForAPublisherOrForTime() {
        check(noClasses()
                .that(CORE)
                .should()
                .accessTargetWhere(call(Mono.class, "block(Optional)?")
                        .or(call(Flux.class, "blockFirst|blockLast|toIterable|toStream"))
                        .or(call(Thread.class, "sleep"))));
    }

    @Test
    void onlyTheRedisAdapterUsesLettuce() {
        check(noClasses()
                .that(not(resideInAnyPackage(REDIS)))
                .should()
                .dependOnClassesThat(resideInAnyPackage("io.lettuce..")));
    }

    @Test
    void onlyTheDemoAndStdioStartProcesses() {
        check(noClasses()
                .that(not(resideInAnyPackage("io.sluice.demo..", "io.sluice.stdio..")))
                .should()
                .dependOnClassesThat(assignableTo(ProcessBuilder.class))
                .orShould()
                .accessTargetWhere(call(Runtime.class, "exec")));
    }

    @Test
    void requestPathBuildsNoJsonTrees() {
        check(noClasses()
                .that(resideInAnyPackage("io.sluice.envelope..", "io.sluice.gateway.."))
                .and(not(DescribedPredicate.describe(
                        "are listed here",
                        type -> TREES_ON_THE_PATH.contains(outermost(type).getName()))))
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("tools.jackson.databind..", "com.fasterxml.jackson.databind..")));
    }

    @Test
    void everyPackageIsNullMarked() {
        Set<String> unmarked = new TreeSet<>();
        for (JavaClass type : ALL) {
            JavaPackage home = type.getPackage();
            if (!home.isAnnotatedWith(NullMarked.class)) {
                unmarked.add(home.getName());
            }
        }
        assertThat(unmarked).isEmpty();
    }

    @Test
    void namesSaySomething() {
        check(noClasses().should().haveNameMatching(EMPTY_WORDS));
    }

    private static JavaClass outermost(JavaClass type) {
        return type.getEnclosingClass().map(ArchitectureTest::outermost).orElse(type);
    }

    private static void check(ArchRule rule) {
        rule.check(ALL);
    }

    /** A call of, or a reference to, a method with such a name of this type or of one below it. */
    private static DescribedPredicate<JavaAccess<?>> call(Class<?> owner, String names) {
        return DescribedPredicate.describe(
                "calls " + owner.getSimpleName() + "." + names,
                access -> access.getTargetOwner().isAssignableTo(owner)
                        && access.getName().matches(names));
    }
}
