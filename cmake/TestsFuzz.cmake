# SPDX-License-Identifier: Apache-2.0
# The fuzzers' corpora, and random changes of them, as tests; tests/fuzz/run.sh builds the fuzzers themselves.
set(fuzz "${WEIGHBRIDGE_TESTS}/fuzz")
wb_test_program(run_corpus
    SOURCES "${fuzz}/run_corpus.cpp" "${fuzz}/plan_mutation.cpp" "${PROJECT_SOURCE_DIR}/lib/model/binding.cpp" ${native_support}
    LIBRARIES weighbridge_plan)
add_test(NAME plan.corpus COMMAND run_corpus "${fuzz}/corpus/plan" 300)

# What the data wing and the scan read of strangers, and the command's records.
set(data_inputs "${fuzz}/data_inputs.cpp" "${fuzz}/arrow_input.cpp" "${fuzz}/scan_inputs.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/records.cpp"
    "${PROJECT_SOURCE_DIR}/lib/cli/interrupt.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/spelling.cpp"
    "${PROJECT_SOURCE_DIR}/lib/cli/text.cpp")
wb_test_program(run_inputs SOURCES "${fuzz}/run_inputs.cpp" "${fuzz}/reply_input.cpp" ${data_inputs}
    LIBRARIES weighbridge_core)
add_test(NAME data.corpus COMMAND run_inputs "${fuzz}/corpus" 1000)

# What reads bytes of strangers counts which of its lines run: tests/fuzz/coverage.sh.
if(WEIGHBRIDGE_COVERAGE)
    file(GLOB parsers "${PROJECT_SOURCE_DIR}/lib/scan/*.cpp" "${PROJECT_SOURCE_DIR}/lib/bundle/json_*.cpp"
        "${PROJECT_SOURCE_DIR}/lib/bundle/manifest_*.cpp" "${PROJECT_SOURCE_DIR}/lib/bundle/signature_file.cpp"
        "${PROJECT_SOURCE_DIR}/lib/plan/plan_file.cpp" "${PROJECT_SOURCE_DIR}/lib/graph/graph_file.cpp"
        "${PROJECT_SOURCE_DIR}/lib/isolation/wire.cpp")
    set_property(SOURCE ${parsers} APPEND PROPERTY COMPILE_OPTIONS --coverage -O0 -fno-inline)
    set_property(SOURCE ${parsers} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
    target_link_options(weighbridge_plan PUBLIC --coverage)
endif()
if(NOT WEIGHBRIDGE_BUILD_FUZZERS)
    return()
endif()

# wb_fuzzed(NAME SOURCES...): a library of these, with coverage and sanitizers. libstdc++'s assertions see an empty
# optional, or an index past a vector's end inside its capacity.
set(fuzz_options -fsanitize=address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS)
function(wb_fuzzed name)
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${ARGN})
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
    target_compile_options(${name} PRIVATE ${fuzz_options} -fsanitize=fuzzer-no-link)
    target_link_libraries(${name}
        PUBLIC fmt::fmt-header-only weighbridge_sha256 weighbridge_zlib Threads::Threads ${CMAKE_DL_LIBS}
        PRIVATE weighbridge_flags)
endfunction()
wb_fuzzed(weighbridge_fuzzed ${WEIGHBRIDGE_PLAN_SOURCES})
file(GLOB data_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/base/*.cpp" "${PROJECT_SOURCE_DIR}/lib/tensor/*.cpp"
    "${PROJECT_SOURCE_DIR}/lib/feature/*.cpp" "${PROJECT_SOURCE_DIR}/lib/bundle/*.cpp" "${PROJECT_SOURCE_DIR}/lib/scan/*.cpp")
wb_fuzzed(weighbridge_fuzzed_data ${data_sources})

# wb_fuzz_target(NAME LIBRARY SOURCES...)
function(wb_fuzz_target name library)
    add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
    target_include_directories(${name} PRIVATE "${WEIGHBRIDGE_TESTS}" "${PROJECT_SOURCE_DIR}/lib")
    target_link_libraries(${name} PRIVATE ${library} weighbridge_flags)
    target_compile_options(${name} PRIVATE ${fuzz_options} -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer,address,undefined)
endfunction()
wb_fuzz_target(plan_fuzz weighbridge_fuzzed "${fuzz}/plan_fuzz.cpp" "${fuzz}/plan_mutation.cpp"
    "${PROJECT_SOURCE_DIR}/lib/model/binding.cpp" ${native_support})
foreach(input manifest row_json arrow arrow_rows csv signature archive code pickle)
    wb_fuzz_target(${input}_fuzz weighbridge_fuzzed_data "${fuzz}/data_fuzz.cpp" ${data_inputs})
    target_compile_definitions(${input}_fuzz PRIVATE WB_FUZZ_INPUT=try_${input})
endforeach()
# What an importer replies: its frames, and the graph in them.
wb_fuzz_target(reply_fuzz weighbridge_fuzzed "${fuzz}/data_fuzz.cpp" "${fuzz}/reply_input.cpp"
    "${PROJECT_SOURCE_DIR}/lib/isolation/wire.cpp")
target_compile_definitions(reply_fuzz PRIVATE WB_FUZZ_INPUT=try_reply)
# The kernels' unrolled loops have their addresses checked only: with the rest each file compiles for minutes.
file(GLOB kernel_sources CONFIGURE_DEPENDS "${WEIGHBRIDGE_NATIVE}/kernels_*.cpp")
set_property(SOURCE ${kernel_sources} APPEND PROPERTY COMPILE_OPTIONS -fno-sanitize=fuzzer-no-link,undefined)
