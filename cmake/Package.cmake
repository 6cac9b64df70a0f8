# SPDX-License-Identifier: Apache-2.0
# Installation: headers, library, command, plug-in with its importer, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

install(TARGETS weighbridge EXPORT weighbridgeTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET weighbridge_command)
    install(TARGETS weighbridge_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS weighbridge_verify LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weighbridge)
if(TARGET weighbridge_torch)
    install(TARGETS weighbridge_torch LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weighbridge)
    install(TARGETS weighbridge_importer RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/weighbridge)
endif()
install(FILES "${PROJECT_SOURCE_DIR}/lib/bundle/manifest.schema.json" DESTINATION ${CMAKE_INSTALL_DATADIR}/weighbridge)

install(EXPORT weighbridgeTargets NAMESPACE weighbridge:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weighbridge)
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/weighbridgeConfig.cmake.in" "${PROJECT_BINARY_DIR}/weighbridgeConfig.cmake"
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weighbridge)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weighbridgeConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/weighbridgeConfig.cmake" "${PROJECT_BINARY_DIR}/weighbridgeConfigVersion.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weighbridge)

file(RELATIVE_PATH WEIGHBRIDGE_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/weighbridge.pc.in" "${PROJECT_BINARY_DIR}/weighbridge.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/weighbridge.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
