/**
 * From files, variables and flags to settings. {@link io.sluice.config.ConfigReader} reads the {@code mcpServers} file
 * people already have, and the same grown into YAML, into an immutable {@link io.sluice.config.GatewayConfig}, or says
 * everything that is wrong with it; {@link io.sluice.config.ConfigWatcher} does so again whenever a file changes. Every
 * key is described once, in {@code ConfigKeys}: reader, JSON schema and relaxed variable names all follow from there.
 */
@NullMarked
package io.sluice.config;

import org.jspecify.annotations.NullMarked;
