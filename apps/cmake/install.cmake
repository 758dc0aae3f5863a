# `cmake --install` installs the program, its workers and profiles, and a package for embedding:
# find_package(greenroom), then link greenroom::greenroom.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The library for users. The plain name is taken by the program's target.
add_library(greenroom_library INTERFACE)
set_target_properties(greenroom_library PROPERTIES EXPORT_NAME greenroom)
target_link_libraries(greenroom_library INTERFACE greenroom_actors)
target_compile_features(greenroom_library INTERFACE cxx_std_20)
target_include_directories(greenroom_library INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(GREENROOM_ROOMS greenroom_runtime greenroom_config greenroom_protocols greenroom_machine
                    greenroom_caf greenroom_actors)
foreach(ROOM ${GREENROOM_ROOMS})
  # Targets include each other from the source root; installed, that root is a folder.
  target_include_directories(${ROOM} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/greenroom>)
endforeach()

install(TARGETS greenroom_library ${GREENROOM_ROOMS} EXPORT greenroom
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT greenroom FILE greenroomTargets.cmake NAMESPACE greenroom::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/greenroom)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/greenroomConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/greenroom)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/greenroomConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/greenroom)
foreach(ROOM actors config protocols runtime)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${ROOM}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/greenroom FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(FILES ${CMAKE_CURRENT_LIST_DIR}/greenroom.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/greenroom)

# A separate component, so that an embedding service need not build the program.
install(TARGETS greenroom RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
if(TARGET greenroom_worker)
  install(TARGETS greenroom_worker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()
foreach(PROGRAM greenroom_guardian greenroom_chaos_wire greenroom_chaos_cloud)
  if(TARGET ${PROGRAM})
    install(TARGETS ${PROGRAM} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/apps/chaos/plans/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/greenroom/chaos COMPONENT program)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/config/profiles
  DESTINATION ${CMAKE_INSTALL_DATADIR}/greenroom COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/apps/completions/greenroom
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
