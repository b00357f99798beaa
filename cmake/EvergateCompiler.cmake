# Compiler-wide settings: language, warnings, sanitizers, hardening, linker, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Everything ends in an executable. CMake's own switch would give libraries -fPIC, and then they could
# not share a precompiled header with programs.
add_compile_options(-fPIE)
add_link_options(-pie)

# The sloppiness list is what ccache needs to cache objects that use a precompiled header; the
# base directory and "nohashdir" let several build directories share one cache.
find_program(EVERGATE_CCACHE ccache)
if(EVERGATE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${EVERGATE_CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)
    else()
        add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -fdiagnostics-color=auto)
if(EVERGATE_WERROR)
    add_compile_options(-Werror)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports these falsely inside inlined library code; they stay warnings.
    add_compile_options(-Wno-error=maybe-uninitialized -Wno-error=restrict -Wno-error=array-bounds
                        -Wno-error=stringop-overflow -Wno-error=stringop-overread
                        -Wno-error=free-nonheap-object -Wno-error=dangling-pointer)
else()
    # clang 14 has C++20 coroutines but does not announce them to libstdc++ and Asio.
    add_compile_definitions(__cpp_impl_coroutine=201902L)
    add_compile_options(-Wno-builtin-macro-redefined -Wno-unused-command-line-argument
                        -Wno-deprecated-experimental-coroutine)
endif()

# Only who includes common/process/version.hpp is compiled again for a new version.
configure_file(common/process/version.hpp.in
    ${CMAKE_BINARY_DIR}/generated/common/process/version.hpp @ONLY)
include_directories(${CMAKE_BINARY_DIR}/generated)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # CMake's own Release is -O3; -O2 is what distributions ship, and builds faster.
    string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
    add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    add_link_options(-Wl,-z,relro,-z,now)
else()
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()

if(EVERGATE_SANITIZE)
    add_compile_options(-fsanitize=${EVERGATE_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${EVERGATE_SANITIZE})
    if(EVERGATE_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=all)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-maybe-uninitialized)
        if(EVERGATE_SANITIZE MATCHES "thread")
            add_compile_options(-Wno-tsan)
        endif()
    elseif(EVERGATE_SANITIZE MATCHES "undefined")
        # clang 14 cannot put the prologue of "function" on a coroutine; "vptr" needs a pipe for each
        # check, and tests that use up all descriptors would look wrong.
        add_compile_options(-fno-sanitize=function,vptr)
    endif()
endif()

if(EVERGATE_LTO)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-flto=auto -fno-fat-lto-objects)
        add_link_options(-flto=auto)
        set(CMAKE_AR ${CMAKE_CXX_COMPILER_AR})
        set(CMAKE_RANLIB ${CMAKE_CXX_COMPILER_RANLIB})
    else()
        add_compile_options(-flto=thin)
        add_link_options(-flto=thin)
    endif()
endif()
if(EVERGATE_LINKER)
    add_link_options(-fuse-ld=${EVERGATE_LINKER})
endif()
