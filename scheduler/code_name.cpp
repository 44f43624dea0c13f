// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/code_name.hpp>

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace exeunt::scheduler {
namespace {

/// A file that is read where it lies; empty when it cannot be.
class mapped_file {
 public:
    explicit mapped_file(const char* path) noexcept {
        const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        struct stat status {};
        if (::fstat(fd, &status) == 0 && status.st_size > 0) {
            size_ = static_cast<std::size_t>(status.st_size);
            void* const begin = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
            if (begin != MAP_FAILED) begin_ = static_cast<const char*>(begin);
        }
        ::close(fd);
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file() {
        if (begin_ != nullptr) ::munmap(const_cast<char*>(begin_), size_);
    }

    /// The `count` objects that lie `offset` bytes from the beginning, or null if they do not.
    template <class T>
    const T* at(std::size_t offset, std::size_t count = 1) const noexcept {
        if (begin_ == nullptr || offset > size_ || count > (size_ - offset) / sizeof(T) ||
            offset % alignof(T) != 0)
            return nullptr;
        return reinterpret_cast<const T*>(begin_ + offset);
    }

 private:
    const char* begin_ = nullptr;
    std::size_t size_ = 0;
};

using elf_header = ElfW(Ehdr);
using elf_section = ElfW(Shdr);
using elf_symbol = ElfW(Sym);

/// What the symbol table of `file`, an ELF file, calls the function at `address` of it; or empty.
/// It knows local functions too, such as what compilers make of coroutines; the dynamic linker
/// knows what is exported.
std::string symbol_at(const mapped_file& file, std::uintptr_t address) {
    const auto* const header = file.at<elf_header>(0);
    if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
    const auto* const sections = file.at<elf_section>(header->e_shoff, header->e_shnum);
    if (sections == nullptr) return {};
    for (std::size_t i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum) continue;
        const std::size_t count = sections[i].sh_size / sizeof(elf_symbol);
        const auto* const symbols = file.at<elf_symbol>(sections[i].sh_offset, count);
        const elf_section& names = sections[sections[i].sh_link];
        const auto* const text = file.at<char>(names.sh_offset, names.sh_size);
        if (symbols == nullptr || text == nullptr || names.sh_size == 0 ||
            text[names.sh_size - 1] != '\0')
            return {};
        for (std::size_t k = 0; k < count; ++k) {
            const elf_symbol& each = symbols[k];
            if ((each.st_info & 0xf) == STT_FUNC && address - each.st_value < each.st_size &&
                each.st_name < names.sh_size)
                return text + each.st_name;
        }
    }
    return {};
}

/// As written in a program: without what compilers add to the parts of a coroutine. GCC calls them
/// f(f(int)::_Z1fi.Frame*) [clone .actor], Clang f(int) [clone .resume].
std::string readable(const std::string& symbol) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> demangled(
        abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
    if (status != 0) return symbol;
    std::string_view name = demangled.get();
    name = name.substr(0, name.find(" [clone "));
    const std::size_t frame = name.rfind("::_Z");
    if (frame == name.npos) return std::string(name);
    // From 1: a name may begin with "(anonymous namespace)".
    for (std::size_t at = name.find('(', 1); at < frame; at = name.find('(', at + 1)) {
        if (name.substr(at + 1, at) == name.substr(0, at))
            return std::string(name.substr(at + 1, frame - at - 1));
    }
    return std::string(name);
}

}  // namespace

std::string code_name(const void* address) {
    char text[32];
    Dl_info found{};
    link_map* module = nullptr;
#ifdef __GLIBC__
    const auto known =
        ::dladdr1(address, &found, reinterpret_cast<void**>(&module), RTLD_DL_LINKMAP);
#else
    const auto known = ::dladdr(address, &found);
#endif
    if (known == 0 || found.dli_fname == nullptr) {
        std::snprintf(text, sizeof text, "%p", address);
        return text;
    }
    if (module != nullptr) {
        const bool is_program = module->l_name == nullptr || *module->l_name == '\0';
        const mapped_file file(is_program ? "/proc/self/exe" : module->l_name);
        const std::string symbol =
            symbol_at(file, reinterpret_cast<std::uintptr_t>(address) - module->l_addr);
        if (!symbol.empty()) return readable(symbol);
    }
    if (found.dli_sname != nullptr) return readable(found.dli_sname);
    const char* const base = static_cast<const char*>(found.dli_fbase);
    std::snprintf(text, sizeof text, "+%#tx", static_cast<const char*>(address) - base);
    return std::string(found.dli_fname) + text;
}

}  // namespace exeunt::scheduler
