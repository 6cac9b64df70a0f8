# SPDX-License-Identifier: Apache-2.0
# Tests by folder. Unit tests link the static core; C, C++ API and fault tests link the shared library alone.
if(NOT WEIGHBRIDGE_BUILD_TESTS)
    return()
endif()
enable_testing()
set(WEIGHBRIDGE_TESTS "${PROJECT_SOURCE_DIR}/tests")
# The public headers are C99, which tests/support/headers.sh checks; tests use C11's atomics.
set(CMAKE_C_STANDARD 11)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

# wb_test_program(NAME SOURCES... [LIBRARIES ...]): a program of the tests, in <build>/tests.
function(wb_test_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE "${WEIGHBRIDGE_TESTS}")
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} weighbridge_flags)
    # What is tested is optimised, the tests are not: they compile in half the time.
    target_compile_options(${name} PRIVATE -O0)
endfunction()

add_library(test_main OBJECT "${WEIGHBRIDGE_TESTS}/support/catch_main.cpp")
target_link_libraries(test_main PUBLIC Catch2::Catch2)
target_compile_options(test_main PRIVATE -O0)

# Unit tests: no LibTorch, seconds.
file(GLOB_RECURSE unit_sources CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/unit/*_test.cpp")
list(FILTER unit_sources EXCLUDE REGEX "/unit/(cpp_api|capi|backend/cuda)/")
if(WEIGHBRIDGE_SANITIZE STREQUAL "thread")
    set(lone_sources batch/ compile/ feature/ graph/ plan/ scan/ tensor/ backend/native_amx backend/native_kernels
        backend/native_recurrence backend/native_sizes backend/native_views backend/packed_run backend/trees)
    message(STATUS "unit tests: ${lone_sources} and cases tagged [one-thread] have one thread: not under ThreadSanitizer")
    list(JOIN lone_sources "|" lone_sources)
    list(FILTER unit_sources EXCLUDE REGEX "/unit/(${lone_sources})")
endif()
wb_test_program(unit_tests
    SOURCES ${unit_sources} "${PROJECT_SOURCE_DIR}/lib/cli/metrics.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/records.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/interrupt.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/pipeline.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/members.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/output.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/printable.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/label.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/load_loop.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/report.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/spelling.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/report_json.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/report_tables.cpp"
        "${PROJECT_SOURCE_DIR}/lib/cli/table.cpp" "${PROJECT_SOURCE_DIR}/lib/cli/text.cpp"
        "${PROJECT_SOURCE_DIR}/capi/src/names.cpp"
        "${WEIGHBRIDGE_TESTS}/support/fixture.cpp" "${WEIGHBRIDGE_TESTS}/support/fixture_plan.cpp"
        "${WEIGHBRIDGE_TESTS}/support/random_graph.cpp" "${WEIGHBRIDGE_TESTS}/support/graph_runs.cpp"
    LIBRARIES test_main weighbridge_core nlohmann_json::nlohmann_json)
target_precompile_headers(unit_tests PRIVATE <support/catch.hpp>)
file(GLOB sign_tests CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/unit/sign/*_test.cpp")
set_source_files_properties(${sign_tests} PROPERTIES
    COMPILE_DEFINITIONS "WB_TEST_VERIFY=\"$<TARGET_FILE_DIR:weighbridge_verify>\"")
add_dependencies(unit_tests weighbridge_verify)
set(unit_cases "")
if(WEIGHBRIDGE_SANITIZE STREQUAL "thread")
    set(unit_cases "~[one-thread]")
endif()
add_test(NAME unit COMMAND unit_tests ${unit_cases} WORKING_DIRECTORY "${WEIGHBRIDGE_TESTS}")
# The tests fork while threads run, on purpose.
set_tests_properties(unit PROPERTIES TIMEOUT 1800 ENVIRONMENT "TSAN_OPTIONS=die_after_fork=0")

# A bundle with a hand-written plan, for tests in every language.
wb_test_program(make_fixture
    SOURCES "${WEIGHBRIDGE_TESTS}/support/make_fixture.cpp" "${WEIGHBRIDGE_TESTS}/support/fixture.cpp" "${WEIGHBRIDGE_TESTS}/support/fixture_plan.cpp"
    LIBRARIES weighbridge_core)
set(WEIGHBRIDGE_FIXTURES "${PROJECT_BINARY_DIR}/tests/fixtures")
add_test(NAME fixtures COMMAND make_fixture "${WEIGHBRIDGE_FIXTURES}")
set_tests_properties(fixtures PROPERTIES FIXTURES_SETUP bundles)

# The C ABI in C, one program a file: exit code 0, or a line with file and line of the check that failed.
file(GLOB capi_sources CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/capi/*_test.c" "${WEIGHBRIDGE_TESTS}/fault/*_test.c")
list(FILTER capi_sources EXCLUDE REGEX "/(unload|exit)_test[.]c$")
foreach(source IN LISTS capi_sources)
    get_filename_component(name "${source}" NAME_WE)
    wb_test_program(c_${name} SOURCES "${source}" LIBRARIES weighbridge Threads::Threads m)
    target_include_directories(c_${name} PRIVATE "${PROJECT_SOURCE_DIR}/capi/src")
    add_test(NAME c.${name} COMMAND c_${name} "${WEIGHBRIDGE_FIXTURES}")
    # 77: the system lacks what the test needs; it has said what.
    set_tests_properties(c.${name} PROPERTIES FIXTURES_REQUIRED bundles TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()

# Another library that is loaded with ours, and destroyed behind it.
add_library(late_library SHARED "${WEIGHBRIDGE_TESTS}/fault/late_caller.cpp")
target_link_libraries(late_library PRIVATE weighbridge_flags)
wb_test_program(exit_test SOURCES "${WEIGHBRIDGE_TESTS}/fault/exit_test.c"
    LIBRARIES weighbridge late_library Threads::Threads m)
add_test(NAME exit COMMAND exit_test "${WEIGHBRIDGE_FIXTURES}")
set_tests_properties(exit PROPERTIES FIXTURES_REQUIRED bundles TIMEOUT 300)

# Loads the library with dlopen(), so is not linked with it.
if(NOT WEIGHBRIDGE_SANITIZE)  # their allocators count otherwise
    wb_test_program(unload_test SOURCES "${WEIGHBRIDGE_TESTS}/fault/unload_test.c"
        LIBRARIES Threads::Threads ${CMAKE_DL_LIBS})
    target_include_directories(unload_test PRIVATE "${PROJECT_SOURCE_DIR}/include")
    add_library(late_caller MODULE "${WEIGHBRIDGE_TESTS}/fault/late_caller.cpp")
    target_link_libraries(late_caller PRIVATE weighbridge_flags)
    add_test(NAME unload COMMAND unload_test "$<TARGET_FILE:weighbridge>" "$<TARGET_FILE:late_caller>"
        "${WEIGHBRIDGE_FIXTURES}")
    set_tests_properties(unload PROPERTIES FIXTURES_REQUIRED bundles TIMEOUT 300)
endif()

# The header-only C++ API.
file(GLOB cpp_api_sources CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/unit/cpp_api/*_test.cpp")
if(cpp_api_sources)
    wb_test_program(cpp_api_tests SOURCES ${cpp_api_sources} LIBRARIES test_main weighbridge)
    add_test(NAME cpp_api COMMAND cpp_api_tests)
    set_tests_properties(cpp_api PROPERTIES FIXTURES_REQUIRED bundles
        ENVIRONMENT "WB_FIXTURES=${WEIGHBRIDGE_FIXTURES}")
endif()

include(TestsNative)
include(TestsCuda)
include(TestsFuzz)
include(TestsParity)
include(TestsCallers)
include(TestsPlugins)
include(TestsImport)
include(TestsRelease)
