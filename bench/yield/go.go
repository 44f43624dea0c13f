// SPDX-License-Identifier: BSL-1.0
package main

import "exeunt/bench/golang/yields"

func main() {
	yields.Main(1)
}
