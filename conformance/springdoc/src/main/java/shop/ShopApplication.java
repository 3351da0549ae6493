package shop;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.CookieValue;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RequestPart;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

/** Orders, with about everything that Spring services do with parameters, bodies and answers. */
@SpringBootApplication
@RestController
@RequestMapping("/api/orders")
@Tag(name = "orders", description = "Orders of customers")
public class ShopApplication {
    public static void main(String[] args) {
        SpringApplication.run(ShopApplication.class, args);
    }

    enum State {
        OPEN,
        PAID,
        SENT
    }

    record Position(@NotBlank String article, @Min(1) @Max(1000) int count, BigDecimal price) {}

    record Order(
            UUID id,
            @NotBlank String customer,
            State state,
            LocalDate due,
            Instant created,
            List<@Valid Position> positions,
            Map<String, String> labels,
            Order follows) {}

    record Page(List<Order> content, int page, long total) {}

    @Operation(summary = "Finds orders", description = "Newest first.")
    @GetMapping
    Page find(
            @RequestParam(required = false) State state,
            @RequestParam(required = false) List<String> customer,
            @RequestParam(defaultValue = "0") int page,
            @Parameter(description = "At most so many") @RequestParam(defaultValue = "20") @Max(100) int size) {
        return new Page(List.of(), page, 0);
    }

    @Operation(summary = "Finds an order")
    @GetMapping("/{id}")
    ResponseEntity<Order> one(
            @PathVariable UUID id,
            @RequestHeader(name = "X-Tenant", required = false) String tenant,
            @CookieValue(name = "lang", required = false) String language) {
        return ResponseEntity.of(Optional.empty());
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    Order create(@Valid @RequestBody Order order) {
        return order;
    }

    @PutMapping("/{id}")
    Order replace(@PathVariable UUID id, @Valid @RequestBody Order order) {
        return order;
    }

    @PatchMapping("/{id}/labels")
    Map<String, String> label(@PathVariable UUID id, @RequestBody Map<String, String> labels) {
        return labels;
    }

    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(@PathVariable UUID id) {}

    @PostMapping(path = "/{id}/invoice", consumes = MediaType.MULTIPART_FORM_DATA_VALUE)
    Map<String, Long> invoice(
            @PathVariable UUID id, @RequestPart("file") MultipartFile file, @RequestParam(required = false) String note) {
        return Map.of("bytes", file.getSize());
    }

    @GetMapping(path = "/{id}/label.txt", produces = MediaType.TEXT_PLAIN_VALUE)
    String text(@PathVariable UUID id) {
        return "to whom it may concern";
    }
}
