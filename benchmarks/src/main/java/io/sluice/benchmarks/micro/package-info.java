/**
 * What single stages of a call cost: JMH benchmarks, one class a stage. Each says in its Javadoc what it measures and
 * the command that runs it.
 */
@NullMarked
package io.sluice.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
