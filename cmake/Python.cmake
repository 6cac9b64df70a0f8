# SPDX-License-Identifier: Apache-2.0
# The Python module, over the C ABI alone, in <build>/python/weighbridge: PYTHONPATH=<build>/python imports it. As the
# component `python` it is installed into a wheel (python/pyproject.toml), with the library beside it.
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

file(GLOB WEIGHBRIDGE_PYTHON_NATIVE CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/python/src/*.cpp")
pybind11_add_module(weighbridge_python ${WEIGHBRIDGE_PYTHON_NATIVE})
target_link_libraries(weighbridge_python PRIVATE weighbridge weighbridge_flags)
# Bound when it is imported: a function that the library lacks ends the import, not the process at its first call.
target_link_options(weighbridge_python PRIVATE "LINKER:-z,now")
set_target_properties(weighbridge_python PROPERTIES
    OUTPUT_NAME _native
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python/weighbridge"
    BUILD_RPATH_USE_ORIGIN ON
    INSTALL_RPATH "$ORIGIN")
file(GLOB WEIGHBRIDGE_PYTHON_SOURCES CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/python/weighbridge/*.py" "${PROJECT_SOURCE_DIR}/python/weighbridge/*.pyi"
    "${PROJECT_SOURCE_DIR}/python/weighbridge/py.typed")
add_custom_target(weighbridge_python_sources ALL
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/python/weighbridge"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different ${WEIGHBRIDGE_PYTHON_SOURCES}
            "${PROJECT_BINARY_DIR}/python/weighbridge"
    VERBATIM)
add_dependencies(weighbridge_python weighbridge_python_sources)

install(TARGETS weighbridge_python LIBRARY DESTINATION weighbridge COMPONENT python EXCLUDE_FROM_ALL)
# A wheel has no symbolic links: the library lies under its soname.
set(WEIGHBRIDGE_SONAME "libweighbridge.so.${WEIGHBRIDGE_ABI}")
install(PROGRAMS "$<TARGET_FILE:weighbridge>" RENAME "${WEIGHBRIDGE_SONAME}"
        DESTINATION weighbridge COMPONENT python EXCLUDE_FROM_ALL)
# What checks signatures, where the library looks for it.
install(PROGRAMS "$<TARGET_FILE_DIR:weighbridge>/weighbridge/libweighbridge_verify.so"
        DESTINATION weighbridge/weighbridge COMPONENT python EXCLUDE_FROM_ALL)
if(SKBUILD)
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${SKBUILD_METADATA_DIR}/licenses"
            COMPONENT python EXCLUDE_FROM_ALL)
endif()
install(CODE "execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-unneeded
    \"\${CMAKE_INSTALL_PREFIX}/weighbridge/${WEIGHBRIDGE_SONAME}\"
    \"\${CMAKE_INSTALL_PREFIX}/weighbridge/weighbridge/libweighbridge_verify.so\" COMMAND_ERROR_IS_FATAL ANY)"
        COMPONENT python EXCLUDE_FROM_ALL)
