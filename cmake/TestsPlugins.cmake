# SPDX-License-Identifier: Apache-2.0
# Plug-ins without LibTorch for tests/unit/backend, beside the unit tests' program: fake_plugins/libfake_<variant>.so.
foreach(variant good wrong_abi no_symbol null held fails misfit no_thread held_load escapes tells exits)
    string(TOUPPER "FAKE_${variant}" macro)
    add_library(fake_${variant} MODULE "${PROJECT_SOURCE_DIR}/tests/support/fake_plugin.c")
    target_compile_definitions(fake_${variant} PRIVATE ${macro})
    target_include_directories(fake_${variant} PRIVATE "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(fake_${variant} PRIVATE Threads::Threads weighbridge_flags)
    set_target_properties(fake_${variant} PROPERTIES
        LIBRARY_OUTPUT_DIRECTORY "$<TARGET_FILE_DIR:unit_tests>/fake_plugins")
    add_dependencies(unit_tests fake_${variant})
endforeach()
add_dependencies(c_text_test fake_good)

# Importers that misbehave, and the real one.
add_executable(fake_importer "${PROJECT_SOURCE_DIR}/tests/support/fake_importer.cpp")
target_link_libraries(fake_importer PRIVATE weighbridge_core weighbridge_flags)
set_target_properties(fake_importer PROPERTIES RUNTIME_OUTPUT_DIRECTORY "$<TARGET_FILE_DIR:unit_tests>/fake_plugins")
add_dependencies(unit_tests fake_importer weighbridge_importer)
add_dependencies(c_text_test weighbridge_importer)

# The real plug-in. Its modules are exported by a Python that can import torch.
if(NOT TARGET weighbridge_torch)
    return()
endif()
if(WEIGHBRIDGE_PYTHON)
    execute_process(COMMAND "${WEIGHBRIDGE_PYTHON}" -c "import torch" RESULT_VARIABLE torch_fails OUTPUT_QUIET ERROR_QUIET)
endif()
if(NOT WEIGHBRIDGE_PYTHON OR torch_fails)
    message(STATUS "tests/torch are left out: -DWEIGHBRIDGE_PYTHON names no Python that can import torch")
    return()
endif()
set(torch_tests "${PROJECT_SOURCE_DIR}/tests/torch")
set(torch_modules "${PROJECT_BINARY_DIR}/tests/torch_modules")
add_test(NAME torch.modules COMMAND "${WEIGHBRIDGE_PYTHON}" "${torch_tests}/export_modules.py" "${torch_modules}")
set_tests_properties(torch.modules PROPERTIES FIXTURES_SETUP torch_modules)

file(GLOB torch_test_sources CONFIGURE_DEPENDS "${torch_tests}/*_test.cpp")
wb_test_program(torch_tests
    SOURCES ${torch_test_sources} "${torch_tests}/torch_fixture.cpp" LIBRARIES test_main weighbridge_core)
add_dependencies(torch_tests weighbridge_torch weighbridge_importer)
add_test(NAME torch COMMAND torch_tests)

# The plug-in in a Python that has its own torch.
add_library(torch_host SHARED "${torch_tests}/host_library.cpp")
target_link_libraries(torch_host PRIVATE weighbridge_core weighbridge_flags)
add_dependencies(torch_host weighbridge_torch)
foreach(order torch-first plugin-first)
    add_test(NAME torch.host.${order} COMMAND "${WEIGHBRIDGE_PYTHON}" "${torch_tests}/host_test.py"
        ${order} "$<TARGET_FILE:torch_host>")
    list(APPEND torch_host_tests torch.host.${order})
endforeach()
set_tests_properties(torch ${torch_host_tests} PROPERTIES
    FIXTURES_REQUIRED torch_modules TIMEOUT 300
    ENVIRONMENT "WEIGHBRIDGE_TEST_PLUGIN=$<TARGET_FILE:weighbridge_torch>;WEIGHBRIDGE_TEST_MODULES=${torch_modules}")
