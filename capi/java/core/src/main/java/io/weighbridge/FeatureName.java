// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The feature that a record's component is, where its name alone does not say so: amountMinor is amount_minor without.
 *
 * @since 0.2
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT})
public @interface FeatureName {
    /**
     * The feature's name.
     *
     * @return as the manifest has it
     */
    String value();
}
