# SPDX-License-Identifier: Apache-2.0
# Tests of the native engine that are programs of their own.
set(native_support "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp" "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp")
if(NOT WEIGHBRIDGE_SANITIZE)  # they have their own allocators, and one forbids system calls
    foreach(name quiet edges)
        wb_test_program(native_${name}_test
            SOURCES "${WEIGHBRIDGE_TESTS}/fault/native_${name}_test.cpp" ${native_support} LIBRARIES weighbridge_core)
        add_test(NAME native.${name} COMMAND native_${name}_test)
    endforeach()
endif()

# Plans of this version, which later ones must read and answer alike.
wb_test_program(plan_fixtures
    SOURCES "${WEIGHBRIDGE_TESTS}/fixtures/plan_fixtures.cpp" ${native_support} LIBRARIES weighbridge_core)
add_test(NAME plan.fixtures COMMAND plan_fixtures "${WEIGHBRIDGE_TESTS}/fixtures/plans")

# The fuzzer's corpus, and random changes of it; tests/fuzz/run.sh builds the fuzzer itself.
wb_test_program(run_corpus
    SOURCES "${WEIGHBRIDGE_TESTS}/fuzz/run_corpus.cpp" "${WEIGHBRIDGE_TESTS}/fuzz/plan_mutation.cpp" ${native_support}
    LIBRARIES weighbridge_core)
add_test(NAME plan.corpus COMMAND run_corpus "${WEIGHBRIDGE_TESTS}/fuzz/corpus/plan" 300)
if(WEIGHBRIDGE_BUILD_FUZZERS)
    # What plans need of the library, with coverage and sanitizers. libstdc++'s assertions see an empty optional, or an
    # index past a vector's end inside its capacity.
    file(GLOB_RECURSE fuzzed_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/*.cpp")
    list(FILTER fuzzed_sources INCLUDE REGEX
        "/lib/((base|tensor|graph|plan|backend/native|backend/reference)/[a-z0-9_]+|backend/plan_[a-z]+)[.]cpp$")
    add_library(weighbridge_fuzzed STATIC EXCLUDE_FROM_ALL ${fuzzed_sources})
    target_include_directories(weighbridge_fuzzed PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(weighbridge_fuzzed
        PUBLIC fmt::fmt-header-only weighbridge_sha256 Threads::Threads ${CMAKE_DL_LIBS}
        PRIVATE weighbridge_flags)
    add_executable(plan_fuzz EXCLUDE_FROM_ALL "${WEIGHBRIDGE_TESTS}/fuzz/plan_fuzz.cpp"
        "${WEIGHBRIDGE_TESTS}/fuzz/plan_mutation.cpp" ${native_support})
    target_include_directories(plan_fuzz PRIVATE "${WEIGHBRIDGE_TESTS}")
    target_link_libraries(plan_fuzz PRIVATE weighbridge_fuzzed weighbridge_flags)
    set(fuzz_options -fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS)
    target_compile_options(weighbridge_fuzzed PRIVATE ${fuzz_options} -fsanitize=fuzzer-no-link)
    target_compile_options(plan_fuzz PRIVATE ${fuzz_options} -fsanitize=fuzzer)
    target_link_options(plan_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
    # The kernels' unrolled loops have their addresses checked only: with the rest each file compiles for minutes.
    file(GLOB kernel_sources CONFIGURE_DEPENDS "${WEIGHBRIDGE_NATIVE}/kernels_*.cpp")
    set_property(SOURCE ${kernel_sources} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize=fuzzer-no-link,undefined)
endif()
