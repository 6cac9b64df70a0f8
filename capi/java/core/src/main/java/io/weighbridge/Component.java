// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/** A component of a record, and the feature that it sets. A value of its type has exactly one stored value. */
final class Component {
    private static final Map<Class<?>, Class<?>> BOXES = Map.of(Byte.class, byte.class, Short.class, short.class,
            Integer.class, int.class, Long.class, long.class, Float.class, float.class, Double.class, double.class,
            Boolean.class, boolean.class);
    private static final Set<Class<?>> WHOLE = Set.of(byte.class, short.class, int.class, long.class);

    private enum How { LONG, DOUBLE, BOOL, OBJECT }

    private final Feature feature;
    private final How how;
    private final MethodHandle get;

    Component(Feature feature, RecordComponent component, Class<?> owner, MethodHandles.Lookup lookup) {
        this.feature = feature;
        Class<?> type = component.getType();
        how = !type.isPrimitive() ? How.OBJECT : type == boolean.class ? How.BOOL : WHOLE.contains(type) ? How.LONG
                : How.DOUBLE;
        Class<?> gives = how == How.OBJECT ? Object.class : how == How.BOOL ? boolean.class
                : how == How.LONG ? long.class : double.class;
        try {
            get = lookup(owner, lookup).unreflect(component.getAccessor())
                    .asType(MethodType.methodType(gives, Object.class));
        } catch (IllegalAccessException error) {
            throw WeighbridgeException.of(Status.INVALID_ARGUMENT, owner.getName() + ": not visible to io.weighbridge: "
                    + "make it public in an exported package, open its package, or give bind(type,"
                    + " MethodHandles.lookup())");
        }
    }

    private static MethodHandles.Lookup lookup(Class<?> owner, MethodHandles.Lookup given)
            throws IllegalAccessException {
        if (given != null) return given;
        Component.class.getModule().addReads(owner.getModule());
        boolean open = owner.getModule().isOpen(owner.getPackageName(), Component.class.getModule());
        return open ? MethodHandles.privateLookupIn(owner, MethodHandles.lookup()) : MethodHandles.publicLookup();
    }

    /** What does not fit; null where the component binds to the feature. */
    static String mismatch(Feature feature, RecordComponent component) {
        Class<?> type = component.getType();
        Class<?> value = feature.isSequence() && type.isArray() ? type.getComponentType()
                : BOXES.getOrDefault(type, type);
        if (feature.isSequence() != (type.isArray()) || !binds(value, feature))
            return "expected " + javaTypes(feature) + " for " + feature.expected() + ", found " + type.getSimpleName();
        Money money = component.getAnnotation(Money.class);
        String wanted = feature.currency();
        if (wanted.isEmpty() && money != null)
            return "@Money of " + money.currency() + ", and feature '" + feature.name() + "' is not money";
        if (wanted.isEmpty()) return null;
        String stated = "@Money(currency = \"" + wanted + "\", exponent = " + feature.moneyExponent() + ")";
        if (money == null) return "feature '" + feature.name() + "' is money: expected " + stated + ", found none";
        if (money.currency().equals(wanted) && money.exponent() == feature.moneyExponent()) return null;
        return "expected " + stated + ", found @Money(currency = \"" + money.currency() + "\", exponent = "
                + money.exponent() + ")";
    }

    private static boolean binds(Class<?> type, Feature feature) {
        return switch (feature.type) {
            case Feature.FLOAT32 -> type == float.class || type == short.class || type == byte.class;
            case Feature.FLOAT64 -> type == double.class || type == float.class || WHOLE.contains(type)
                    && type != long.class;
            case Feature.INT64, Feature.CODE -> WHOLE.contains(type) && (!feature.sequence || type == long.class);
            case Feature.TIMESTAMP -> type == long.class || type == Instant.class;
            case Feature.BOOL -> type == boolean.class;
            default -> CharSequence.class.isAssignableFrom(type);
        } && (!feature.sequence || !WHOLE.contains(type) || type == long.class);
    }

    private static String javaTypes(Feature feature) {
        String one = switch (feature.type) {
            case Feature.FLOAT32 -> "float";
            case Feature.FLOAT64 -> "double or float";
            case Feature.INT64, Feature.CODE -> feature.sequence ? "long" : "long or int";
            case Feature.TIMESTAMP -> "Instant or long";
            case Feature.BOOL -> "boolean";
            default -> "String";
        };
        return feature.sequence ? one.replace(" or ", "[] or ") + "[]" : one;
    }

    void set(Row row, Object record) {
        try {
            switch (how) {
                case LONG -> row.set(feature, (long) get.invokeExact(record));
                case DOUBLE -> row.set(feature, (double) get.invokeExact(record));
                case BOOL -> row.set(feature, (boolean) get.invokeExact(record));
                case OBJECT -> setObject(row, (Object) get.invokeExact(record));
            }
        } catch (RuntimeException | Error error) {
            throw error;
        } catch (Throwable checked) {
            throw new IllegalStateException("the accessor of " + feature.name(), checked);
        }
    }

    private void setObject(Row row, Object value) {
        if (value == null) row.setMissing(feature);
        else if (value instanceof CharSequence text) row.set(feature, text);
        else if (value instanceof Boolean bool) row.set(feature, bool.booleanValue());
        else if (value instanceof Double || value instanceof Float) row.set(feature, ((Number) value).doubleValue());
        else if (value instanceof Number number) row.set(feature, number.longValue());
        else if (value instanceof Instant time) row.set(feature, time);
        else if (value instanceof long[] all) row.set(feature, all);
        else if (value instanceof double[] all) row.set(feature, all);
        else if (value instanceof float[] all) row.set(feature, all);
        else if (value instanceof boolean[] all) row.set(feature, all);
        else if (value instanceof Instant[] all) row.set(feature, all);
        else row.set(feature, (CharSequence[]) value);
    }
}
