# Installs the headers of the library below include/greenroom: those that an embedding service
# needs, and no others. In the source they include each other from its root; installed, that root
# is <greenroom/…>, so nothing of an embedding service can be taken for one of them. Run by
# install.cmake with GREENROOM_SOURCE, GREENROOM_STAGING and GREENROOM_INCLUDE.

set(PUBLIC_HEADERS
  apps/cmake/greenroom.hpp=greenroom.hpp
  actors/node/node.hpp=node.hpp
  actors/doors/caf_door.hpp=caf_door.hpp
  protocols/node_events.hpp=node_events.hpp
  protocols/task_messages.hpp=task_messages.hpp
  protocols/task_request.hpp=task_request.hpp
  protocols/task_types.hpp=task_types.hpp
  protocols/task_view.hpp=task_view.hpp
  runtime/machine/worker/callable.hpp=callable.hpp)
foreach(NAME expected pool_kind priority side_effects worker_state)
  list(APPEND PUBLIC_HEADERS protocols/base/${NAME}.hpp=base/${NAME}.hpp)
endforeach()
foreach(NAME access department journal loader node pool problem queue resilience rollout specialist
             workflow writer)
  list(APPEND PUBLIC_HEADERS config/${NAME}.hpp=config/${NAME}.hpp)
endforeach()

foreach(HEADER IN LISTS PUBLIC_HEADERS)
  string(REGEX MATCH "^(.*)=(.*)$" PAIR "${HEADER}")
  set(INSTALLED "${CMAKE_MATCH_2}")
  file(READ "${GREENROOM_SOURCE}/${CMAKE_MATCH_1}" TEXT)
  foreach(OTHER IN LISTS PUBLIC_HEADERS)
    string(REGEX MATCH "^(.*)=(.*)$" PAIR "${OTHER}")
    string(REPLACE "#include \"${CMAKE_MATCH_1}\"" "#include <greenroom/${CMAKE_MATCH_2}>" TEXT
                   "${TEXT}")
  endforeach()
  if(TEXT MATCHES "#include \"[^\"]*\"")
    message(FATAL_ERROR "${INSTALLED} has ${CMAKE_MATCH_0}, which is not a header of the library; "
                        "the list is in apps/cmake/headers.cmake")
  endif()
  file(WRITE "${GREENROOM_STAGING}/${INSTALLED}" "${TEXT}")
  get_filename_component(FOLDER "${INSTALLED}" DIRECTORY)
  file(INSTALL "${GREENROOM_STAGING}/${INSTALLED}"
       DESTINATION "${GREENROOM_INCLUDE}/greenroom/${FOLDER}")
endforeach()
