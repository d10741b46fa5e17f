# cmake -DOUTPUT=…cc -DHEADER=…h -DNAMESPACE=… -DFILES=constant=name=path,… -P embed.cmake
# Writes files into a source file, as constants of bytes.

string(REPLACE "," ";" _files "${FILES}")
set(_source "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(_file IN LISTS _files)
  if(NOT _file MATCHES "^([^=]+)=([^=]+)=(.+)$")
    message(FATAL_ERROR "not constant=name=path: ${_file}")
  endif()
  set(_constant "${CMAKE_MATCH_1}")
  set(_name "${CMAKE_MATCH_2}")
  file(READ "${CMAKE_MATCH_3}" _hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," _bytes "${_hex}")
  # Long lines cost compilers much.
  string(REGEX REPLACE "(('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',))"
                       "\\1\n" _bytes "${_bytes}")
  string(APPEND _source
         "\nnamespace {\nconstexpr char k${_constant}Bytes[] = {\n${_bytes}};\n"
         "}  // namespace\nconst Asset k${_constant}{\n    \"${_name}\", "
         "{k${_constant}Bytes, sizeof k${_constant}Bytes}};\n")
endforeach()
string(APPEND _source "\n}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${_source}")
