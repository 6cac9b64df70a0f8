// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The opened library, from which FfmFunctions takes its handles when it is initialised. */
final class FfmLibrary {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final List<String> MISSING = new ArrayList<>();
    private static SymbolLookup symbols;

    private FfmLibrary() {}

    /** Whether this JDK has java.lang.foreign. */
    static boolean available() {
        return true;
    }

    /**
     * Opens the library.
     *
     * @throws LoadFailure where it cannot be loaded, or lacks functions
     */
    static Native load(String library) throws LoadFailure {
        try {
            symbols = SymbolLookup.libraryLookup(Path.of(library), Arena.global());
        } catch (IllegalArgumentException error) {
            throw new LoadFailure(library, error.getMessage());
        }
        Ffm made = new Ffm(); // whose class binds every function when it is initialised
        Compatibility.check(made, library, MISSING.toArray(new String[0]));
        return made;
    }

    /** Called by FfmFunctions for each function; the first letter of the shape is what it returns. */
    static MethodHandle bind(String name, String shape) {
        MemoryLayout[] parameters = new MemoryLayout[shape.length() - 1];
        for (int i = 0; i < parameters.length; ++i) parameters[i] = layout(shape.charAt(i + 1));
        FunctionDescriptor function = shape.charAt(0) == 'V' ? FunctionDescriptor.ofVoid(parameters)
                : FunctionDescriptor.of(layout(shape.charAt(0)), parameters);
        return symbols.find(name).map(at -> LINKER.downcallHandle(at, function)).orElseGet(() -> {
            MISSING.add(name);
            return null;
        });
    }

    private static MemoryLayout layout(char kind) {
        return kind == 'I' ? ValueLayout.JAVA_INT : ValueLayout.JAVA_LONG;
    }

    /** A downcall throws nothing; what the virtual machine throws (no memory, no stack) goes on as it is. */
    static Error unexpected(Throwable thrown) {
        if (thrown instanceof Error error) return error;
        if (thrown instanceof RuntimeException exception) throw exception;
        return new LinkageError("a call of the native library", thrown);
    }
}
