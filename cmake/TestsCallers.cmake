# SPDX-License-Identifier: Apache-2.0
# What callers run: the conformance cases in C and C++, and the examples.
file(GLOB conformance_cases CONFIGURE_DEPENDS "${WEIGHBRIDGE_TESTS}/conformance/cases/*.json")
wb_test_program(conformance_cpp SOURCES "${WEIGHBRIDGE_TESTS}/conformance/runner.cpp"
    LIBRARIES weighbridge nlohmann_json::nlohmann_json)
wb_test_program(conformance_c SOURCES "${WEIGHBRIDGE_TESTS}/conformance/runner.c" LIBRARIES weighbridge m)
set(WEIGHBRIDGE_CASE_BUNDLES "${WEIGHBRIDGE_FIXTURES}:${PROJECT_SOURCE_DIR}/examples/bundles:${WEIGHBRIDGE_TESTS}/conformance/drafts")
set(WEIGHBRIDGE_FLAT_CASES "${PROJECT_BINARY_DIR}/tests/conformance.tsv")
add_test(NAME conformance.flatten COMMAND conformance_cpp --flatten "${WEIGHBRIDGE_FLAT_CASES}" ${conformance_cases})
add_test(NAME conformance.cpp COMMAND conformance_cpp "${WEIGHBRIDGE_CASE_BUNDLES}" ${conformance_cases})
add_test(NAME conformance.c COMMAND conformance_c "${WEIGHBRIDGE_CASE_BUNDLES}" "${WEIGHBRIDGE_FLAT_CASES}")
set_tests_properties(conformance.flatten PROPERTIES FIXTURES_SETUP flat_cases)
set_tests_properties(conformance.cpp PROPERTIES FIXTURES_REQUIRED bundles)
set_tests_properties(conformance.c PROPERTIES FIXTURES_REQUIRED "bundles;flat_cases")

# The README's snippets, on the bundle that they are written for.
wb_test_program(example_c SOURCES "${PROJECT_SOURCE_DIR}/examples/c/score.c" LIBRARIES weighbridge)
wb_test_program(example_cpp SOURCES "${PROJECT_SOURCE_DIR}/examples/cpp/score.cpp" LIBRARIES weighbridge)
wb_test_program(example_cpp_queue
    SOURCES "${PROJECT_SOURCE_DIR}/examples/cpp/queue.cpp" LIBRARIES weighbridge Threads::Threads)
set(WEIGHBRIDGE_EXAMPLE_BUNDLE "${PROJECT_SOURCE_DIR}/examples/bundles/card-mlp")
add_test(NAME example.c COMMAND example_c "${WEIGHBRIDGE_EXAMPLE_BUNDLE}")
add_test(NAME example.cpp COMMAND example_cpp "${WEIGHBRIDGE_EXAMPLE_BUNDLE}")
add_test(NAME example.cpp_queue COMMAND example_cpp_queue "${WEIGHBRIDGE_EXAMPLE_BUNDLE}")
set_tests_properties(example.cpp_queue PROPERTIES PASS_REGULAR_EXPRESSION "score 0\\.[0-9]+ band [0-2] from")
set_tests_properties(example.c example.cpp PROPERTIES PASS_REGULAR_EXPRESSION "^score 0\\.[0-9]+ band [0-2] from")

# The fault tests, on a module of LibTorch's.
if(WEIGHBRIDGE_BUILD_TORCH)
    foreach(name fork swap_storm)
        add_test(NAME torch.${name} COMMAND bash "${WEIGHBRIDGE_TESTS}/fault/with_torch.sh"
            "$<TARGET_FILE:c_${name}_test>" "${WEIGHBRIDGE_FIXTURES}" "${WEIGHBRIDGE_EXAMPLE_BUNDLE}")
        set_tests_properties(torch.${name} PROPERTIES FIXTURES_REQUIRED bundles TIMEOUT 300)
    endforeach()
endif()
