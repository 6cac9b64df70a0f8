# SPDX-License-Identifier: Apache-2.0
# The importer against LibTorch: random small modules made in Python, imported through the plug-in, run by the reference
# backend. Included after TestsPlugins.cmake, which finds out whether the tests' Python has torch.
if(NOT TARGET weighbridge_torch OR NOT TARGET torch_tests)
    return()
endif()
execute_process(COMMAND "${WEIGHBRIDGE_PYTHON}" -c "import transformers"
    RESULT_VARIABLE transformers_fails OUTPUT_QUIET ERROR_QUIET)
if(transformers_fails)
    message(STATUS "tests/import is left out: the Python of WEIGHBRIDGE_PYTHON has no transformers")
    return()
endif()
set(import_cases "${PROJECT_BINARY_DIR}/tests/import_cases")
add_test(NAME import.cases
    COMMAND "${WEIGHBRIDGE_PYTHON}" "${WEIGHBRIDGE_TESTS}/import/make_cases.py" "${import_cases}")
set_tests_properties(import.cases PROPERTIES FIXTURES_SETUP import_cases TIMEOUT 600)

# Which arguments of LibTorch's operators lowering takes, refuses and may drop.
wb_test_program(lowered_operators
    SOURCES "${WEIGHBRIDGE_TESTS}/import/lowered_operators.cpp" LIBRARIES weighbridge_torch_lower)
add_test(NAME import.arguments COMMAND "${WEIGHBRIDGE_PYTHON}" "${WEIGHBRIDGE_TESTS}/import/arguments.py"
    "$<TARGET_FILE:lowered_operators>")
add_test(NAME import.operators_table COMMAND "${WEIGHBRIDGE_PYTHON}" "${WEIGHBRIDGE_TESTS}/import/operators_table.py"
    "${PROJECT_SOURCE_DIR}/lib/torch/README.md" "$<TARGET_FILE:lowered_operators>")

add_test(NAME import.pure_operators COMMAND "${WEIGHBRIDGE_PYTHON}" "${WEIGHBRIDGE_TESTS}/import/pure_operators.py"
    "$<TARGET_FILE:lowered_operators>")

# Every operator that lowers, or is refused with what to write instead, passes the scan of modules.
wb_test_program(allowed_operators
    SOURCES "${WEIGHBRIDGE_TESTS}/import/allowed_operators.cpp" "${PROJECT_SOURCE_DIR}/lib/scan/operators.cpp"
        "${PROJECT_SOURCE_DIR}/lib/base/spelling.cpp"
    LIBRARIES weighbridge_torch_lower)
add_test(NAME import.allowed_operators COMMAND allowed_operators)

# No module of the tests and examples is refused by the scan.
wb_test_program(scan_check SOURCES "${WEIGHBRIDGE_TESTS}/import/scan_check.cpp" LIBRARIES weighbridge_core)
add_test(NAME import.scan COMMAND scan_check "${import_cases}" "${torch_modules}" "${PROJECT_SOURCE_DIR}/examples/bundles")
set_tests_properties(import.scan PROPERTIES FIXTURES_REQUIRED "import_cases;torch_modules")

wb_test_program(import_check SOURCES "${WEIGHBRIDGE_TESTS}/import/import_check.cpp" LIBRARIES weighbridge_core)
add_dependencies(import_check weighbridge_torch)
add_test(NAME import COMMAND import_check "${import_cases}" "$<TARGET_FILE:weighbridge_torch>")
set_tests_properties(import PROPERTIES FIXTURES_REQUIRED import_cases TIMEOUT 600)
