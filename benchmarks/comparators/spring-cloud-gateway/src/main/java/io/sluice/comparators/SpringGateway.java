package io.sluice.comparators;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.gateway.route.RouteLocator;
import org.springframework.cloud.gateway.route.builder.RouteLocatorBuilder;
import org.springframework.context.annotation.Bean;

/** Spring Cloud Gateway that relays everything to one server: arguments are its own port and the server's. */
@SpringBootApplication
public class SpringGateway {
    public static void main(String[] args) {
        SpringApplication.run(
                SpringGateway.class,
                "--server.port=" + args[0],
                "--server.address=127.0.0.1",
                "--backend=http://127.0.0.1:" + args[1],
                "--logging.level.root=warn",
                "--spring.main.banner-mode=off");
    }

    @Bean
    RouteLocator routes(RouteLocatorBuilder builder, org.springframework.core.env.Environment environment) {
        return builder.routes()
                .route("backend", route -> route.path("/**").uri(environment.getRequiredProperty("backend")))
                .build();
    }
}
