;; What reading a heap snapshot spends its time on: numbers, and the ends of strings. `npm run wasm` compiles it.
;; The memory is laid out by scan-kernel.ts. There are at least 16 bytes in it before each text.
(module
  (memory (export "memory") 1)
  ;; The comma or newline behind the last number of a scan.
  (global $stop (export "stop") (mut i32) (i32.const 0))

  ;; The value of up to 8 digits that end before $end; 0 where there is none.
  (func $digitsBefore (param $end i32) (result i64)
    (local $t i64) (local $bits i64)
    (local.set $t (i64.xor (i64.load align=1 (i32.sub (local.get $end) (i32.const 8))) (i64.const 0x3030303030303030)))
    (local.set $bits (i64.clz (i64.and
      (i64.or (i64.add (local.get $t) (i64.const 0x7676767676767676)) (local.get $t))
      (i64.const 0x8080808080808080))))
    (if (i64.eqz (local.get $bits)) (then (return (i64.const 0))))
    (local.set $t (i64.and (local.get $t) (i64.shl (i64.const -1) (i64.sub (i64.const 64) (local.get $bits)))))
    (local.set $t (i64.add (i64.mul (local.get $t) (i64.const 10)) (i64.shr_u (local.get $t) (i64.const 8))))
    (i64.shr_u
      (i64.add
        (i64.mul (i64.and (local.get $t) (i64.const 0x000000FF000000FF)) (i64.const 0x000F424000000064))
        (i64.mul
          (i64.and (i64.shr_u (local.get $t) (i64.const 16)) (i64.const 0x000000FF000000FF))
          (i64.const 0x0000271000000001)))
      (i64.const 32)))

  (func $isDigit (param $at i32) (result i32)
    (i32.lt_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)) (i32.const 10)))

  ;; Numbers as V8 writes them: digits, a newline at the end of a row, a comma. Reads them from $from to $end, writes them as
  ;; 32 bits from $out to $outEnd, and returns where the next one would go. 64 bytes at a time become masks of 64 bits. Stops
  ;; before what has another form, and before numbers that need more than 32 bits.
  (func (export "numbers") (param $from i32) (param $end i32) (param $out i32) (param $outEnd i32) (result i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $digits i64) (local $commas i64) (local $newlines i64)
    ;; Of the block before: whether its last bytes are digits (of two) or a newline.
    (local $lastDigit i64) (local $lastDigits i64) (local $lastNewline i64)
    (local $afterDigit i64) (local $afterNewline i64)
    ;; Bytes behind numbers; of these, those behind numbers of one digit.
    (local $ends i64) (local $single i64)
    (local $at i32) (local $t i64) (local $bits i64)
    (block $done
      (loop $block
        (br_if $done (i32.gt_u (i32.add (local.get $from) (i32.const 64)) (local.get $end)))
        (local.set $a (v128.load align=1 (local.get $from)))
        (local.set $b (v128.load offset=16 align=1 (local.get $from)))
        (local.set $c (v128.load offset=32 align=1 (local.get $from)))
        (local.set $d (v128.load offset=48 align=1 (local.get $from)))
        (local.set $commas (i64.or
          (i64.or
            (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $a) (i8x16.splat (i32.const 44)))))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $b) (i8x16.splat (i32.const 44))))) (i64.const 16)))
          (i64.or
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $c) (i8x16.splat (i32.const 44))))) (i64.const 32))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $d) (i8x16.splat (i32.const 44))))) (i64.const 48)))))
        (local.set $newlines (i64.or
          (i64.or
            (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $a) (i8x16.splat (i32.const 10)))))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $b) (i8x16.splat (i32.const 10))))) (i64.const 16)))
          (i64.or
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $c) (i8x16.splat (i32.const 10))))) (i64.const 32))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $d) (i8x16.splat (i32.const 10))))) (i64.const 48)))))
        (local.set $digits (i64.or
          (i64.or
            (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_u (i8x16.sub (local.get $a) (i8x16.splat (i32.const 48))) (i8x16.splat (i32.const 10)))))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_u (i8x16.sub (local.get $b) (i8x16.splat (i32.const 48))) (i8x16.splat (i32.const 10))))) (i64.const 16)))
          (i64.or
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_u (i8x16.sub (local.get $c) (i8x16.splat (i32.const 48))) (i8x16.splat (i32.const 10))))) (i64.const 32))
            (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.lt_u (i8x16.sub (local.get $d) (i8x16.splat (i32.const 48))) (i8x16.splat (i32.const 10))))) (i64.const 48)))))
        (local.set $afterDigit (i64.or (i64.shl (local.get $digits) (i64.const 1)) (local.get $lastDigit)))
        (local.set $afterNewline (i64.or (i64.shl (local.get $newlines) (i64.const 1)) (local.get $lastNewline)))
        ;; Each byte is one of the three; newlines follow digits, commas follow digits or newlines, nothing else follows newlines.
        (br_if $done (i64.ne (i64.const 0) (i64.or
          (i64.xor (i64.or (i64.or (local.get $digits) (local.get $commas)) (local.get $newlines)) (i64.const -1))
          (i64.or
            (i64.and (local.get $newlines) (i64.xor (local.get $afterDigit) (i64.const -1)))
            (i64.or
              (i64.and (local.get $commas) (i64.xor (i64.or (local.get $afterDigit) (local.get $afterNewline)) (i64.const -1)))
              (i64.and (local.get $afterNewline) (i64.xor (local.get $commas) (i64.const -1))))))))
        (local.set $ends (i64.and (local.get $afterDigit) (i64.xor (local.get $digits) (i64.const -1))))
        (local.set $single (i64.xor (i64.or (i64.shl (local.get $digits) (i64.const 2)) (local.get $lastDigits)) (i64.const -1)))
        (block $blockDone
          (loop $number
            (br_if $blockDone (i64.eqz (local.get $ends)))
            (local.set $at (i32.add (local.get $from) (i32.wrap_i64 (i64.ctz (local.get $ends)))))
            (if (i64.eqz (i64.and (i64.and (local.get $ends) (i64.sub (i64.const 0) (local.get $ends))) (local.get $single)))
              (then
                ;; As in $digitsBefore: a call for each number would take as long as the rest.
                (local.set $t (i64.xor (i64.load align=1 (i32.sub (local.get $at) (i32.const 8))) (i64.const 0x3030303030303030)))
                (local.set $bits (i64.clz (i64.and
                  (i64.or (i64.add (local.get $t) (i64.const 0x7676767676767676)) (local.get $t))
                  (i64.const 0x8080808080808080))))
                (local.set $t (i64.and (local.get $t) (i64.shl (i64.const -1) (i64.sub (i64.const 64) (local.get $bits)))))
                (local.set $t (i64.add (i64.mul (local.get $t) (i64.const 10)) (i64.shr_u (local.get $t) (i64.const 8))))
                (local.set $t (i64.shr_u
                  (i64.add
                    (i64.mul (i64.and (local.get $t) (i64.const 0x000000FF000000FF)) (i64.const 0x000F424000000064))
                    (i64.mul
                      (i64.and (i64.shr_u (local.get $t) (i64.const 16)) (i64.const 0x000000FF000000FF))
                      (i64.const 0x0000271000000001)))
                  (i64.const 32)))
                ;; Eight digits, and perhaps one or two more before them: 32 bits have no more than ten.
                (if (i64.eq (local.get $bits) (i64.const 64)) (then
                  (if (call $isDigit (i32.sub (local.get $at) (i32.const 9))) (then
                    (br_if $done (i32.and
                      (call $isDigit (i32.sub (local.get $at) (i32.const 10)))
                      (call $isDigit (i32.sub (local.get $at) (i32.const 11)))))
                    (local.set $t (i64.add (local.get $t)
                      (i64.mul (call $digitsBefore (i32.sub (local.get $at) (i32.const 8))) (i64.const 100000000))))
                    (br_if $done (i64.gt_u (local.get $t) (i64.const 0xffffffff)))))))
                (i64.store32 (local.get $out) (local.get $t)))
              (else
                (i32.store (local.get $out) (i32.sub (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 48)))))
            (global.set $stop (local.get $at))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))
            (br_if $done (i32.eq (local.get $out) (local.get $outEnd)))
            (local.set $ends (i64.and (local.get $ends) (i64.sub (local.get $ends) (i64.const 1))))
            (br $number)))
        (local.set $lastDigit (i64.shr_u (local.get $digits) (i64.const 63)))
        (local.set $lastDigits (i64.shr_u (local.get $digits) (i64.const 62)))
        (local.set $lastNewline (i64.shr_u (local.get $newlines) (i64.const 63)))
        (local.set $from (i32.add (local.get $from) (i32.const 64)))
        (br $block)))
    (local.get $out))

  ;; The first quote or backslash from $from on; an address of $end or beyond where there is none.
  (func (export "quote") (param $from i32) (param $end i32) (result i32)
    (local $text v128) (local $found i32)
    (loop $block
      (local.set $text (v128.load align=1 (local.get $from)))
      (local.set $found (i8x16.bitmask (v128.or
        (i8x16.eq (local.get $text) (i8x16.splat (i32.const 34)))
        (i8x16.eq (local.get $text) (i8x16.splat (i32.const 92))))))
      (if (local.get $found) (then (return (i32.add (local.get $from) (i32.ctz (local.get $found))))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br_if $block (i32.lt_u (local.get $from) (local.get $end))))
    (local.get $from)))
