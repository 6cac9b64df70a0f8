// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says in which currency a record's component is, in minor units. A feature of money is bound to such components only,
 * and only where both numbers are its own: a swap from EUR to USD is refused, not scored.
 *
 * @since 0.2
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT})
public @interface Money {
    /**
     * The ISO 4217 currency.
     *
     * @return such as "EUR"
     */
    String currency();

    /**
     * How many decimal places its minor unit has.
     *
     * @return the ISO 4217 exponent
     */
    int exponent() default 2;
}
