module exeunt/bench

go 1.18
