# `cmake --install` installs the program, its workers and profiles, and a package for embedding:
# find_package(greenroom), then link greenroom::greenroom (static) or greenroom::shared.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The library for users. The plain name is taken by the program's target.
add_library(greenroom_library INTERFACE)
set_target_properties(greenroom_library PROPERTIES EXPORT_NAME greenroom)
target_link_libraries(greenroom_library INTERFACE greenroom_actors)

set(GREENROOM_ROOMS greenroom_base greenroom_runtime greenroom_config greenroom_protocols
                    greenroom_machine greenroom_actors)

# The same as one shared library, from the same objects.
add_library(greenroom_shared SHARED EXCLUDE_FROM_ALL)
foreach(ROOM ${GREENROOM_ROOMS})
  target_sources(greenroom_shared PRIVATE $<TARGET_OBJECTS:${ROOM}>)
endforeach()
set_target_properties(greenroom_shared PROPERTIES
  EXPORT_NAME shared OUTPUT_NAME greenroom LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/exports.map)
target_link_libraries(greenroom_shared PUBLIC greenroom_caf PRIVATE ${GREENROOM_ROOMS})
target_link_options(greenroom_shared PRIVATE
  LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/exports.map)
if(NOT GREENROOM_SANITIZE)
  target_link_options(greenroom_shared PRIVATE LINKER:--no-undefined)
endif()

foreach(LIBRARY greenroom_library greenroom_shared)
  target_compile_features(${LIBRARY} INTERFACE cxx_std_20)
  target_include_directories(${LIBRARY} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

set(GREENROOM_PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/greenroom)
install(TARGETS greenroom_caf EXPORT greenroom_caf)
install(TARGETS greenroom_library ${GREENROOM_ROOMS} EXPORT greenroom
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# A component of its own: `cmake --build build --target greenroom_shared` makes it.
install(TARGETS greenroom_shared EXPORT greenroom_shared
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT shared OPTIONAL)
install(EXPORT greenroom_caf FILE greenroomCafTargets.cmake NAMESPACE greenroom::
  DESTINATION ${GREENROOM_PACKAGE})
install(EXPORT greenroom FILE greenroomTargets.cmake NAMESPACE greenroom::
  DESTINATION ${GREENROOM_PACKAGE})
install(EXPORT greenroom_shared FILE greenroomSharedTargets.cmake NAMESPACE greenroom::
  DESTINATION ${GREENROOM_PACKAGE} COMPONENT shared)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/greenroomConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfig.cmake INSTALL_DESTINATION ${GREENROOM_PACKAGE})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/greenroomConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/greenroomConfigVersion.cmake
  DESTINATION ${GREENROOM_PACKAGE})
install(CODE "
  set(GREENROOM_SOURCE \"${PROJECT_SOURCE_DIR}\")
  set(GREENROOM_STAGING \"${CMAKE_CURRENT_BINARY_DIR}/include\")
  set(GREENROOM_INCLUDE \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/headers.cmake)

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
