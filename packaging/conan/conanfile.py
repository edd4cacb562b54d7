"""The libraries as a package of Conan 2: conan create packaging/conan"""
import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Fallow(ConanFile):
    name = "fallow"
    version = "0.2.0"
    description = "A page allocator that reports unused pages to their owner, and both ends of a virtio balloon"
    license = "MIT"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "fallow/*"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for option in ("TOOLS", "TESTS", "EXAMPLES", "WERROR"):
            toolchain.cache_variables["FALLOW_" + option] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "fallow")
        for name in ("core", "host"):
            component = self.cpp_info.components[name]
            component.libs = ["fallow_" + name]
            component.set_property("cmake_target_name", "fallow::" + name)
            component.set_property("pkg_config_name", "fallow-" + name)
        host = self.cpp_info.components["host"]
        host.requires = ["core"]
        host.system_libs = ["pthread"]
        if not self.options.shared:
            # The static core follows the host library on a link line, and needs fallow_panic from it.
            host.exelinkflags = ["-Wl,-u,fallow_panic"]
            self.cpp_info.components["core"].system_libs = ["stdc++"]
