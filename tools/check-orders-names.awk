# Reads C++ files for tools/check-orders: tells code from comments, and finds what is declared as atomic. What it leaves
# for check-orders.awk: text[file], the code; remark[file, line], the comment on a line; bare[file, line], whether there
# is nothing else; declared[file]; and look(), which fills sees, variables and plain with what a file sees.

# ---- Lines: what is code, and what is a comment. Strings and comments become blanks, so that columns stay. ----

function blanks(n) { return sprintf("%" n "s", "") }

function take_line(line,  out, c, two, n, i, j) {
  out = remark_here = ""
  n = length(line)
  for (i = 1; i <= n;) {
    if (raw_end != "" || in_comment) {
      two = raw_end != "" ? raw_end : "*/"
      j = index(substr(line, i), two)
      if (in_comment) remark_here = remark_here " " (j ? substr(line, i, j - 1) : substr(line, i))
      j = j ? j + length(two) - 1 : n - i + 1
      if (index(substr(line, i, j), two)) { raw_end = ""; in_comment = 0 }
      out = out blanks(j)
      i += j
      continue
    }
    if (!match(substr(line, i), /\/\/|\/\*|["\047]/)) { out = out substr(line, i); break }
    out = out substr(line, i, RSTART - 1)
    i += RSTART - 1
    c = substr(line, i, 1)
    two = substr(line, i, 2)
    if (two == "//") { remark_here = remark_here " " substr(line, i + 2); out = out blanks(n - i + 1); break }
    if (two == "/*") { in_comment = 1; out = out "  "; i += 2; continue }
    if (c == "\"" && substr(line, i - 1, 1) == "R" && match(substr(line, i + 1), /^[^(]*\(/)) {
      raw_end = ")" substr(line, i + 1, RLENGTH - 1) "\""
      out = out blanks(RLENGTH + 1)
      i += RLENGTH + 1
      continue
    }
    if (c == "\047" && substr(line, i - 1, 1) ~ /[0-9a-fA-F]/) { out = out " "; ++i; continue }  # 10'000
    for (j = i + 1; j <= n && substr(line, j, 1) != c; ++j) if (substr(line, j, 1) == "\\") ++j
    out = out c blanks(j - i - 1) (j <= n ? c : "")
    i = j + 1
  }
  return out
}

FNR == 1 {
  file = FILENAME
  raw_end = ""
  in_comment = directive = 0
}
{
  code = take_line($0)
  # A directive is not a statement.
  if (directive || code ~ /^[ \t]*#/) {
    if (match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/)) {
      included = substr($0, RSTART, RLENGTH - 1)
      sub(/^[^"]*"/, "", included)
      includes[file] = includes[file] included " "
    }
    directive = code ~ /\\$/
    code = ""
  }
  text[file] = text[file] code "\n"
  remark[file, FNR] = remark_here
  bare[file, FNR] = remark_here != "" && code ~ /^[ \t]*$/
  for (rest = remark_here; match(rest, /MO-[0-9]+/); rest = substr(rest, RSTART + RLENGTH)) {
    name = substr(rest, RSTART, RLENGTH)
    if (named[name] == "") named[name] = file ":" FNR
    mention[file] = mention[file] FNR ":" name " "
  }
}

# ---- Declarations: which names are atomic objects, and which are fields of LittleEndian, whose order is relaxed
# ---- unless it is named.

function declare(f, name, kind) { declared[f] = declared[f] kind name " " }

# What follows the type at the end of `before`: a name, or several with their initialisers. Kinds: A atomic, V an
# atomic variable (neither a parameter nor a pointer), L LittleEndian, D a member of any type.
function declarators(f, kind, before, rest,  name, depth, i, c, parameter, variable) {
  parameter = before ~ /[(,][ \t\n]*(const[ \t]+)?(std::)?$/
  sub(/^([ \t]*,[ \t]*[A-Za-z0-9_]+|\[\])?>/, "", rest)  # std::array<std::atomic<T>, n>
  while (match(rest, /^[ \t\n]*[&*]*( const)?[ \t\n]*[A-Za-z_][A-Za-z0-9_]*[ \t]*[;{=,[():]/)) {
    name = substr(rest, 1, RLENGTH - 1)
    c = substr(rest, RLENGTH, 1)
    rest = substr(rest, RLENGTH)
    if (c == ":" && substr(rest, 2, 1) == ":") return
    variable = kind == "A" && !parameter && name !~ /[*]/ && c !~ /[():]/
    sub(/ const[ \t\n]/, "", name)
    gsub(/[&* \t\n]/, "", name)
    declare(f, name, kind)
    if (variable) declare(f, name, "V")
    if (parameter || c ~ /[():]/) return
    depth = 0
    for (i = 1; i <= 400; ++i) {
      c = substr(rest, i, 1)
      if (c ~ /[([{]/) ++depth
      if (c ~ /[])}]/ && --depth < 0) return
      if (depth == 0 && (c == "," || c == ";")) break
    }
    if (c != ",") return
    rest = substr(rest, i + 1)
  }
}

# Every type in the file that `type` matches, up to its < or its end.
function declarations(f, type, kind,  rest, before, depth, i, c, alias) {
  before = ""
  for (rest = text[f]; match(rest, type);) {
    before = substr(rest, 1, substr(rest, RSTART, 1) ~ /[A-Za-z_]/ ? RSTART - 1 : RSTART)
    c = substr(rest, RSTART + RLENGTH - 1, 1)
    rest = substr(rest, RSTART + RLENGTH)
    if (c == "<") {
      depth = 1
      for (i = 1; depth > 0 && i <= 400; ++i) {
        c = substr(rest, i, 1)
        if (c == "<") ++depth
        if (c == ">") --depth
      }
      rest = substr(rest, i)
    } else if (c ~ /[^A-Za-z0-9_]/) {
      rest = c rest
    }
    before = substr(before, length(before) > 80 ? length(before) - 80 : 1)
    if (match(before, /using [A-Za-z0-9_]+ = (std::)?$/)) {
      alias = substr(before, RSTART + 6)
      sub(/ =.*/, "", alias)
      aliases[alias] = kind
    } else {
      declarators(f, kind, before, rest)
    }
  }
}

# Pointers to such fields, as in auto* const list = reinterpret_cast<Le32*>(memory).
function casts(f,  rest, name) {
  for (rest = text[f]; match(rest, /[A-Za-z0-9_]+ = reinterpret_cast<(const )?(Le(16|32|64)|LittleEndian)/);) {
    name = substr(rest, RSTART, RLENGTH)
    rest = substr(rest, RSTART + RLENGTH)
    sub(/ =.*/, "", name)
    declare(f, name, "L")
  }
}

# Returns the names with the underscore of a member that the file declares, of any type.
function members(f,  rest, name) {
  for (rest = text[f]; match(rest, /[A-Za-z0-9_>][&*]* [&*]*[a-z][a-z0-9_]*_(;|,|\{|\[| =[^=])/); rest = substr(rest, RSTART + RLENGTH)) {
    name = substr(rest, RSTART, RLENGTH)
    if (substr(rest, 1, RSTART) !~ /(return|[-+*\/%<>=&|])$/ || substr(rest, RSTART, 1) == ">") {
      sub(/^.[ &*]+/, "", name)
      gsub(/[^a-z0-9_]/, "", name)
      declare(f, name, "D")
    }
  }
}

# ---- What a file sees of that: its own declarations, and those of what it includes. ----

function look(f,  part, n, i, name) {
  if (seen[f]++) return
  n = split(declared[f], part, " ")
  for (i = 1; i <= n; ++i) {
    sees[part[i]] = 1
    name = substr(part[i], 2)
    if (part[i] ~ /^V/) variables[name] = variables[name] (f == file || f == header && name ~ /_$/ ? "own " : name ~ /_$/ ? "seen " : "")
    # The class of another file may have a non-atomic member of this name.
    if (part[i] ~ /^D/ && index(declared[f] " ", "V" name " ") == 0) plain[name] = 1
  }
  n = split(includes[f], part, " ")
  for (i = 1; i <= n; ++i) if (part[i] in text) look(part[i])
}
