@NullMarked
package io.sluice.grpc;

import org.jspecify.annotations.NullMarked;
