/**
 * What the gateway costs: micro-benchmarks (JMH) and an open-loop load generator. Benchmarks go into packages below this
 * one and run with {@code java -jar benchmarks/target/benchmarks.jar}.
 */
@NullMarked
package io.sluice.benchmarks;

import org.jspecify.annotations.NullMarked;
