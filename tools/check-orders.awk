# Reads C++ files for tools/check-orders, which documents the rule, and finds the accesses and their reasons.
# Variables to set: wanted (a file that lists the files to check; the others are read only for their
# declarations), document, list (1: print every access). check-orders-names.awk must be loaded first.

function complain(where, what) { if (!list) print where ": " what; bad = 1 }

# ---- Reasons. ----

function above(line,  all) {
  all = ""
  while (line > 1 && bare[file, line - 1]) all = remark[file, --line] " " all
  return all
}
function beside(first, last,  all) {
  all = ""
  for (; first <= last; ++first) all = all " " remark[file, first]
  return all
}
# Returns the explanation of an access of this order, or an empty string.
function reason(comment, order,  found, name) {
  found = ""
  while (match(comment, /MO-[0-9]+/)) {
    name = substr(comment, RSTART, RLENGTH)
    if (name in documented && index(found ",", name ",") == 0) found = found (found == "" ? "" : ",") name
    comment = substr(comment, 1, RSTART - 1) substr(comment, RSTART + RLENGTH)
  }
  if (found != "") return found
  comment = tolower(comment)
  gsub(/[ \t]+/, " ", comment)
  if (index(comment, "pairs with")) return "pairs with"
  return index(comment, order ":") ? order ":" : ""
}
function says(comment, object,  word) {
  word = object
  sub(/_$/, "", word)
  return word != "" && (" " comment " ") ~ ("[^A-Za-z0-9_]" word "_?[^A-Za-z0-9_]")
}

# ---- Accesses. ----

function site(order, object, what) {
  ++sites
  at[sites] = line
  order_of[sites] = order
  object_of[sites] = object
  what_of[sites] = what
  why[sites] = ""
  open_sites[level] = open_sites[level] sites " "
  ++count[level]
}

function skip_back(i) { while (i > 0 && ch[i] ~ /[ \t\n]/) --i; return i }
function skip(i) { while (i <= n && ch[i] ~ /[ \t\n]/) ++i; return i }
function back_over(i, opening, closing,  depth) {  # from the closing bracket at i to the character before its partner
  for (depth = 0; i > 0; --i) {
    if (ch[i] == closing) ++depth
    if (ch[i] == opening && --depth == 0) return skip_back(i - 1)
  }
  return 0
}
function word_at(i,  word) { for (word = ""; i > 0 && ch[i] ~ /[A-Za-z0-9_]/; --i) word = ch[i] word; return word }

# Returns the object whose member is named at i, after . or ->, or an empty string. Sets kind: A, L, or empty.
function object_before(i,  j, inner, type, k) {
  kind = ""
  i = skip_back(i - 1)
  if (ch[i] == ".") i = skip_back(i - 1)
  else if (ch[i] == ">" && ch[i - 1] == "-") i = skip_back(i - 2)
  else return ""
  while (ch[i] == "]") i = back_over(i, "[", "]")
  if (ch[i] == ")") {
    j = back_over(i, "(", ")")
    if (ch[j] == ">") {  # std::atomic_ref<T>(object), reinterpret_cast<Le32*>(object)
      inner = word_at(skip_back(ch[i - 1] == ")" ? i - 2 : i - 1))
      k = back_over(j, "<", ">")
      type = ""
      for (++k; k <= j; ++k) type = type ch[k]
      kind = word_at(back_over(j, "<", ">")) == "atomic_ref" ? "A" : type ~ /Le(16|32|64)|LittleEndian/ ? "L" : ""
      return inner == "" ? "object" : inner
    }
    i = j
    if (aliases[word_at(i)] == "A") { kind = "A"; return word_at(skip_back(skip_back(i) + 1)) }
  }
  while (ch[i] == "]") i = back_over(i, "[", "]")
  inner = word_at(i)
  kind = ("A" inner) in sees ? "A" : ("L" inner) in sees ? "L" : ""
  return inner
}

# The arguments of the call whose ( is at i, without what stands in brackets of their own; the orders in it are
# not looked at again.
function arguments(i,  flat, depth) {
  flat = ""
  for (depth = 0; i <= n; ++i) {
    if (ch[i] ~ /[([{]/) ++depth
    if (ch[i] ~ /[])}]/ && --depth == 0) break
    if (depth == 1) { flat = flat ch[i]; in_call[i] = 1 }
  }
  return flat
}
# Returns the strongest order named, or an empty string.
function order_in(flat,  o, i) {
  if (flat !~ /memory_order|__ATOMIC_/) return ""
  flat = tolower(flat)
  for (i = 1; i <= 5; ++i) if (flat ~ ("(memory_order(_|::)|__atomic_)" strength[i])) return strength[i]
  return "relaxed"
}

function operation(word, i,  next_at, object, flat, order) {
  next_at = skip(i + length(word))
  if (ch[next_at] != "(") return 0
  if (word ~ /^(atomic_(thread_fence|signal_fence|load|store|exchange|fetch_[a-z]+|compare_exchange_[a-z]+|flag_[a-z_]+)(_explicit)?|__(atomic|sync)_[a-z_]+)$/) {
    flat = arguments(next_at)
    object = word ~ /fence/ ? "fence" : ""
  } else if (word in operations) {
    object = object_before(i)
    if (object == "" || (operations[word] == "known" && kind != "A")) return 0
    flat = arguments(next_at)
    if (operations[word] == "plain" && kind == "L" && order_in(flat) == "") return 1
  } else {
    return 0
  }
  order = order_in(flat)
  # The caller chooses this order, and must explain it.
  if (order == "" && flat ~ /[(, ](order|success|failure)[ \t]*$/) return 1
  if (order != "relaxed") site(order == "" ? "seq_cst" : order, object, order == "" ? "names no order" : "")
  return 1
}

# `word` at i is the name of an atomic object: operators on it are seq_cst.
function operator_form(word, i,  before, after, b, a, c) {
  b = skip_back(i - 1)
  a = skip(i + length(word))
  before = ch[b - 1] ch[b]
  after = ch[a] ch[a + 1] ch[a + 2]
  if (after ~ /^(\+\+|--)/ || before ~ /^(\+\+|--)$/) return site("seq_cst", word, "names no order")
  if (after ~ /^([-+|&^]=|=[^=])/) {
    if (ch[b] ~ /[A-Za-z0-9_>*&]/ && before != "->") return      # a declaration
    if (ch[b] == "." && ch[skip_back(b - 1)] ~ /[{,]/) return  # {.member = value}
    return site("seq_cst", word, "names no order")
  }
  if (word !~ /_$/ || after ~ /^([.([{]|->)/) return
  c = word_at(b)
  if (after ~ /^(==|!=|&&|\|\||<=|>=|[<>] |[-+*\/%] |\?)/ || before ~ /(&&|\|\||==|!=|[<>]=|!|[ )][-+*\/%<>])$/ ||
      (ch[b] == "(" && ch[a] == ")" && word_at(skip_back(b - 1)) ~ /^(if|while|switch)$/) ||
      (c == "return" && ch[a] == ";" && !returns_atomic()))
    site("seq_cst", word, "names no order")
}
function returns_atomic(  i, head) {
  head = ""
  for (i = head_at[level]; i < block_at[level]; ++i) head = head ch[i]
  return head ~ /atomic|&[ \t\n]*[A-Za-z0-9_]+\(/
}

# ---- Statements and blocks. ----

# Ends the statement of this level at `last`.
function end_statement(last,  part, k, i, id, own, comment, up, first) {
  first = from[level]
  k = split(open_sites[level], part, " ")
  own = ""
  if (k > 0) {
    up = above(first)
    # A comment also explains the accesses right below the one that it stands above.
    if (up == "" && first == ended[level] + 1) up = run[level]
    comment = up " " beside(first, last)
    for (i = 1; i <= k; ++i) {
      id = part[i]
      why[id] = reason(comment, order_of[id])
      if (why[id] == "") unexplained[level] = unexplained[level] id " "
    }
    own = up
  }
  if (first != 0) { ended[level] = last; run[level] = own }
  open_sites[level] = ""
}

function open_block(i,  head, j) {
  if (from[level] == 0) { from[level] = line; from_at[level] = i }
  end_statement(line)
  head = ""
  for (j = from_at[level]; j < i; ++j) head = head (ch[j] == "\n" ? " " : ch[j])
  while (sub(/^template *<[^>]*> */, "", head)) {}
  ++level
  head_line[level] = from[level - 1]
  brace_line[level] = line
  head_at[level] = from_at[level - 1]
  block_at[level] = i
  container[level] = head ~ /^(inline |export |typedef |static )*(namespace|class|struct|union|enum|extern)([^A-Za-z0-9_]|$)/
  from[level] = count[level] = nested[level] = ended[level] = 0
  run[level] = open_sites[level] = unexplained[level] = ""
}

function close_block(  part, k, i, id, comment) {
  if (level == 0) return
  end_statement(line)
  comment = above(head_line[level]) beside(head_line[level], brace_line[level])
  k = split(unexplained[level], part, " ")
  for (i = 1; i <= k && !container[level]; ++i) {
    id = part[i]
    if (count[level] == 1 || says(comment, object_of[id])) why[id] = reason(comment, order_of[id])
    if (why[id] == "") unexplained[level - 1] = unexplained[level - 1] id " "
  }
  --level
  # No comment outside the function explains the access.
  if (container[level]) unexplained[level] = ""
  else count[level] += count[level + 1]
  if (nested[level] == 0) from[level] = 0
}

# { of a block stands after a space, { of an initialiser after the name of what it makes.
function is_block(i,  b) {
  if (i > 1 && ch[i - 1] !~ /[ \t\n]/) return 0
  b = skip_back(i - 1)
  return !(ch[b] ~ /[=,({]/ && (nested[level] > 0 || ch[b] != "{")) && word_at(b) != "return"
}

function scan(f,  i, c, b, word, depth, bracket, j) {
  file = f
  header = f
  sub(/\.cc$/, ".h", header)
  split("", seen); split("", sees); split("", in_call); split("", variables); split("", plain)
  look(f)
  n = split(text[f], ch, "")
  line = 1
  level = depth = 0
  container[0] = 1
  from[0] = count[0] = nested[0] = ended[0] = 0
  run[0] = open_sites[0] = unexplained[0] = ""
  first_site = sites + 1
  for (i = 1; i <= n; ++i) {
    c = ch[i]
    if (c == "\n") { ++line; continue }
    if (c == " " || c == "\t") continue
    if (from[level] == 0 && c !~ /[{};]/) { from[level] = line; from_at[level] = i }
    if (c ~ /[A-Za-z_]/) {
      word = c
      for (j = i + 1; j <= n && ch[j] ~ /[A-Za-z0-9_]/; ++j) word = word ch[j]
      if (word ~ /^memory_order/ && !in_call[i]) {
        if (word == "memory_order") word = word "_" word_after(j)
        if (order_in(word) !~ /^(|relaxed)$/) site(order_in(word), "", "an order that is passed on")
      } else if (!operation(word, i) && (index(variables[word], "own") || (variables[word] != "" && !plain[word]))) {
        operator_form(word, i)
      }
      i = j - 1
    } else if (c ~ /[0-9]/) {
      while (i < n && ch[i + 1] ~ /[A-Za-z0-9_]/) ++i
    } else if (c == "(" || c == "[") {
      bracket[++depth] = c
      ++nested[level]
    } else if (c == ")" || c == "]") {
      --depth
      --nested[level]
    } else if (c == "{") {
      if (is_block(i)) { open_block(i); bracket[++depth] = "block" }
      else { bracket[++depth] = c; ++nested[level] }
    } else if (c == "}") {
      if (bracket[depth--] == "block") close_block()
      else --nested[level]
    } else if (c == ";" && nested[level] == 0) {
      end_statement(line)
      from[level] = 0
    } else if (c == ":" && ch[i + 1] != ":" && ch[i - 1] != ":" && nested[level] == 0) {
      b = ""
      for (j = from_at[level]; j < i; ++j) b = b ch[j]
      if (b ~ /^(public|private|protected|default|case[ \t].*)[ \t]*$/) from[level] = 0
    }
  }
  if (level != 0) complain(f ":1", "the braces of this file are not understood")
  for (i = first_site; i <= sites; ++i) {
    if (list) print f ":" at[i] " " order_of[i] " " (why[i] == "" ? "none" : why[i])
    if (why[i] == "") complain(f ":" at[i], sentence(i))
  }
}
function sentence(i,  what) {
  what = object_of[i] == "" ? what_of[i] : object_of[i] == "fence" ? "a fence" : object_of[i]
  if (what_of[i] ~ /^names no/) what = object_of[i] == "" ? "an access" : object_of[i]
  return what ": the " order_of[i] " order" (what_of[i] == "" ? "" : " (" what_of[i] ")") " has no reason beside it; name its MO-n or its partner"
}
function word_after(j,  word) {
  for (word = ""; j <= n && ch[j] ~ /[: A-Za-z0-9_]/; ++j) if (ch[j] ~ /[A-Za-z0-9_]/) word = word ch[j]
  return word
}

END {
  split("seq_cst acq_rel acquire release consume", strength, " ")
  # Whatever object has them; those that others than atomic objects have, unless that is known; those of known ones.
  j = split("exchange fetch_add fetch_sub fetch_and fetch_or fetch_xor compare_exchange_weak compare_exchange_strong test_and_set", part, " ")
  for (i = 1; i <= j; ++i) operations[part[i]] = "any"
  operations["load"] = operations["store"] = "plain"
  operations["clear"] = operations["test"] = operations["wait"] = "known"

  while ((getline doc < document) > 0) {
    ++doc_line
    if (doc !~ /^#/) continue
    for (; match(doc, /MO-[0-9]+/); doc = substr(doc, RSTART + RLENGTH)) documented[substr(doc, RSTART, RLENGTH)] = doc_line
  }
  if (!doc_line) complain(document ":1", "the document cannot be read")
  for (f in text) {
    declarations(f, "(^|[^A-Za-z0-9_])atomic(_ref)?<", "A")
    declarations(f, "(^|[^A-Za-z0-9_])atomic_(flag|bool|[a-z]*int[a-z0-9_]*|[a-z]*long|size_t)[^A-Za-z0-9_(]", "A")
    declarations(f, "(^|[^A-Za-z0-9_])LittleEndian<", "L")
    casts(f)
    members(f)
    declarations(f, "(^|[^A-Za-z0-9_])Le(16|32|64)[^A-Za-z0-9_(]", "L")
  }
  # Names that the files gave to atomic types.
  for (alias in aliases) for (f in text) declarations(f, "(^|[^A-Za-z0-9_])" alias "[^A-Za-z0-9_(]", aliases[alias])

  while ((getline f < wanted) > 0) {
    j = split(mention[f], part, " ")
    for (i = 1; i <= j; ++i) {
      split(part[i], pair, ":")
      if (!(pair[2] in documented)) complain(f ":" pair[1], pair[2] " is not in " document)
    }
    scan(f)
  }
  for (name in documented)
    if (named[name] == "") complain(document ":" documented[name], name " is named nowhere in the sources")
  exit bad
}
