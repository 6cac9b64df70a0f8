# SPDX-License-Identifier: Apache-2.0
# The Python module, over the C ABI alone, in <build>/python/weighbridge: PYTHONPATH=<build>/python imports it.
if(NOT WEIGHBRIDGE_BUILD_PYTHON)
    return()
endif()
if(WEIGHBRIDGE_PYTHON)
    set(Python_EXECUTABLE "${WEIGHBRIDGE_PYTHON}")
endif()
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
execute_process(COMMAND "${Python_EXECUTABLE}" -m pybind11 --cmakedir
    OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE pybind11_missing)
if(pybind11_missing)
    message(FATAL_ERROR "pybind11 is missing: ${Python_EXECUTABLE} -m pip install pybind11")
endif()
find_package(pybind11 3.0 CONFIG REQUIRED)

pybind11_add_module(weighbridge_python "${PROJECT_SOURCE_DIR}/python/src/module.cpp")
target_link_libraries(weighbridge_python PRIVATE weighbridge weighbridge_flags)
# Bound when it is imported: a function that the library lacks ends the import, not the process at its first call.
target_link_options(weighbridge_python PRIVATE "LINKER:-z,now")
set_target_properties(weighbridge_python PROPERTIES
    OUTPUT_NAME _native
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python/weighbridge"
    BUILD_RPATH_USE_ORIGIN ON
    INSTALL_RPATH "$ORIGIN/..")
file(GLOB WEIGHBRIDGE_PYTHON_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/python/weighbridge/*.py")
add_custom_command(TARGET weighbridge_python POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different ${WEIGHBRIDGE_PYTHON_SOURCES}
            "${PROJECT_BINARY_DIR}/python/weighbridge"
    VERBATIM)
