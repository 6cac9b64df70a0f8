# SPDX-License-Identifier: Apache-2.0
# weighbridge-importer: reads TorchScript through the plug-in in a process of its own. It lies where the library looks for
# it, in weighbridge/ beside it.
if(NOT WEIGHBRIDGE_BUILD_TORCH AND NOT WEIGHBRIDGE_BUILD_TESTS)
    return()
endif()
file(GLOB WEIGHBRIDGE_IMPORTER_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/importer/*.cpp")
add_executable(weighbridge_importer ${WEIGHBRIDGE_IMPORTER_SOURCES})
target_link_libraries(weighbridge_importer PRIVATE weighbridge_core weighbridge_flags)
get_target_property(core_directory weighbridge LIBRARY_OUTPUT_DIRECTORY)
set_target_properties(weighbridge_importer PROPERTIES
    OUTPUT_NAME weighbridge-importer
    RUNTIME_OUTPUT_DIRECTORY "${core_directory}/weighbridge")
