# SPDX-License-Identifier: Apache-2.0
# Tests of what is built as a whole: not for sanitizer builds.
if(WEIGHBRIDGE_SANITIZE)
    return()
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# The house: layers, headers alone, exported symbols, the ABI, documentation.
add_test(NAME layering COMMAND ${Python3_EXECUTABLE} "${WEIGHBRIDGE_TESTS}/support/layering.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME sizes COMMAND ${Python3_EXECUTABLE} "${WEIGHBRIDGE_TESTS}/support/sizes.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME one_definition
    COMMAND ${Python3_EXECUTABLE} "${WEIGHBRIDGE_TESTS}/support/one_definition.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME conformance.cases COMMAND ${Python3_EXECUTABLE} "${WEIGHBRIDGE_TESTS}/conformance/check_cases.py")
add_test(NAME used_symbols
    COMMAND ${Python3_EXECUTABLE} "${WEIGHBRIDGE_TESTS}/support/used_symbols.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME symbols COMMAND bash "${WEIGHBRIDGE_TESTS}/support/symbols.sh"
    "$<TARGET_FILE:weighbridge>" "${PROJECT_SOURCE_DIR}/capi/symbols.txt" "$<TARGET_FILE:weighbridge_verify>")
add_test(NAME abi COMMAND bash "${PROJECT_SOURCE_DIR}/capi/abi.sh")
set_tests_properties(abi PROPERTIES ENVIRONMENT "CC=${CMAKE_C_COMPILER}")
file(GLOB_RECURSE public_headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/include/*.h" "${PROJECT_SOURCE_DIR}/include/*.hpp")
add_test(NAME headers COMMAND bash "${WEIGHBRIDGE_TESTS}/support/headers.sh"
    "${CMAKE_C_COMPILER}" "${CMAKE_CXX_COMPILER}" "${PROJECT_SOURCE_DIR}/include" ${public_headers})
if(DOXYGEN_PROGRAM)
    add_test(NAME doxygen COMMAND bash "${WEIGHBRIDGE_TESTS}/support/doxygen.sh"
        "${DOXYGEN_PROGRAM}" "${PROJECT_BINARY_DIR}/Doxyfile" "${PROJECT_SOURCE_DIR}/include")
endif()

# Crafted TorchScript files through every door.
if(TARGET weighbridge_command)
    add_test(NAME attacks COMMAND bash "${WEIGHBRIDGE_TESTS}/fault/run_attacks.sh"
        --json "${PROJECT_BINARY_DIR}/tests/attacks.json")
    set_tests_properties(attacks PROPERTIES TIMEOUT 1800 ENVIRONMENT "WB_BUILD_DIR=${PROJECT_BINARY_DIR}")
endif()

# A consumer that only knows the installed package.
add_test(NAME consumer COMMAND bash "${WEIGHBRIDGE_TESTS}/consumer/run.sh"
    "${CMAKE_COMMAND}" "${PROJECT_BINARY_DIR}" "${WEIGHBRIDGE_TESTS}/consumer")
set_tests_properties(consumer PROPERTIES TIMEOUT 300)

# The README's programs.
add_test(NAME readme COMMAND bash "${WEIGHBRIDGE_TESTS}/support/readme.sh" "${PROJECT_SOURCE_DIR}/README.md"
    "${PROJECT_BINARY_DIR}" "${PROJECT_SOURCE_DIR}/include" "${CMAKE_C_COMPILER}" "${CMAKE_CXX_COMPILER}")
set_tests_properties(readme PROPERTIES FIXTURES_REQUIRED bundles)
