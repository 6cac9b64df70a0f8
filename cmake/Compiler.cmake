# SPDX-License-Identifier: Apache-2.0
# The language and the flags of this project's own code.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# weighbridge_flags: what every target of ours links, privately.
add_library(weighbridge_flags INTERFACE)
target_compile_options(weighbridge_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow
    # gcc 12 finds overlaps in std::string that are none (gcc bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    # clang 14 wants braces around each level of a table.
    $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-braces>
    $<$<COMPILE_LANGUAGE:CXX>:-Wconversion;-Wno-sign-conversion>
    # Scores are the same bits everywhere only where the compiler contracts nothing by itself.
    -ffp-contract=off)
if(WEIGHBRIDGE_WERROR)
    target_compile_options(weighbridge_flags INTERFACE -Werror)
endif()
if(WEIGHBRIDGE_SANITIZE)
    target_compile_options(weighbridge_flags INTERFACE
        -fsanitize=${WEIGHBRIDGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS
        # gcc 12 loses track of <regex> and std::optional under sanitizers.
        -Wno-maybe-uninitialized)
    target_link_options(weighbridge_flags INTERFACE -fsanitize=${WEIGHBRIDGE_SANITIZE})
endif()
